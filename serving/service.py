"""The BentoML service. `stance serve` and `bentoml serve serving.service:StanceService` both run it."""

from __future__ import annotations

import gc
from typing import Any, cast

import bentoml
from bentoml._internal.utils.analytics import usage_stats

from serving.app import Api, create_app, open_paths, templates
from serving.aside import asides
from serving.config import api_keys, config_of_environment
from serving.guard import Guard, RouteLabels
from serving.jobs.routes import UNHURRIED, JobsApi
from serving.models import CurrentModel, warm_up
from serving.openapi import Specification, specification
from stance.store import CURRENT

#: BentoML's own timeout comes this many seconds after ours, whose error is in the contract's shape.
MARGIN = 5.0

# `bentoml serve` has asked whether it may report before it came here, and keeps the answer; it is to ask again.
usage_stats.do_not_track.cache_clear()

config = config_of_environment()
api = Api(config)
jobs = JobsApi(config, lambda: api.model_now().tag) if config.jobs.enabled else None
app = create_app(api, jobs)


class DescribedService(bentoml.Service[Any]):
    """BentoML's service with a description of our routes and metric labels that cannot grow without end."""

    @property
    def openapi_spec(self) -> Specification:
        """What `/docs.json` answers and what a bento carries."""
        return specification(config.limits, config.page, config.feedback, jobs is not None)

    def to_asgi(self, is_main: bool = True) -> Any:
        """The whole application, inside `RouteLabels`."""
        return RouteLabels(super().to_asgi(is_main), templates(app))


@bentoml.service(
    name="stance",
    service_class=DescribedService,
    workers=config.workers,
    traffic={"timeout": config.timeout + MARGIN},
    # A header that is no text would make BentoML's access log raise.
    logging={"access": {"request_content_type": False}},
)
@bentoml.asgi_app(app)
class StanceService:
    """Sentence-level stance and sentiment toward actors; see GET /docs.json."""

    def __init__(self) -> None:
        """Load the model, unless `serving.run` did; runs once in each worker."""
        if api.classifier is None:
            from stance.classifier import StanceClassifier
            from stance.runtime import share_arena

            share_arena()
            api.load(StanceClassifier.load(config.model, config.threads))
        warm_up(api.model_now())
        self.current: CurrentModel | None = None
        if config.model == CURRENT and api.classifier is not None:
            self.current = CurrentModel(api.classifier.tag, api.load, config.threads)
            self.current.start()
        self.asides = asides(config)
        for aside in self.asides:
            aside.start()
            api.onlookers.append(aside.see)
        if jobs is not None:
            jobs.start()
        # What is loaded now stays: collecting it again and again cost pauses of up to 345 ms.
        gc.collect()
        gc.freeze()

    @bentoml.on_shutdown
    def close(self) -> None:
        """Let the calls that run come to their end."""
        if self.current is not None:
            self.current.close()
        if jobs is not None:
            jobs.close()
        api.engine.close()
        for aside in self.asides:
            aside.close()


bento_service = cast(DescribedService, StanceService)
bento_service.add_asgi_middleware(
    Guard, keys=api_keys(), open_paths=open_paths(app), timeout=config.timeout, unhurried=UNHURRIED
)
