"""Batch scoring over HTTP: `/v1/jobs`.

    handler, openapi        the routes
    upload, form, order     what a caller sends: a file, a form, JSON; checked before anything is kept
    roots                   files that a job may name
    job, folder             a job as it is told, as it is kept, and where it lies on the disk
    store                   the durable queue (DBOS): which jobs there are and what became of them
    supervisor              in every process of the service: sees to it that one runner works while there is work
    runner, work, sweep     the runner: a job is a durable workflow, a shard one step of it
    result                  a finished job's tables as one stream

The web processes only write orders down and read; all work is done by one runner process behind them.
"""
