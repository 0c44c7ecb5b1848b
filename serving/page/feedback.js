// A reader's corrections of single answers, where the service keeps them.

import { element } from "./dom.js";
import { ask, post } from "./service.js";

const SENTIMENTS = ["negative", "neutral", "positive"];
const STANCES = ["against", "neutral", "favor"];

/** Whether the service takes corrections; its description lists the route where it does. */
export async function feedbackOffered() {
  try {
    return "/v1/feedback" in (await ask("docs.json")).paths;
  } catch {
    return false;
  }
}

/** What stands beside each answer of `result`: a control that sends another label for it. `document` is what was asked. */
export function corrections(document, result, names, sender) {
  return (sentence, answer) => {
    const { holder, target = answer.actor } = answer;
    const about = holder === undefined ? names(target) : `${names(holder)} toward ${names(target)}`;
    const sent = { sentence: [sentence.start, sentence.end], ...(holder !== undefined && { holder }), target };
    const send = (label) => {
      const correction = { ...sent, predicted: answer.label, label };
      return post("v1/feedback", { model: result.model, document, corrections: [correction], sender: sender() });
    };
    const others = (holder === undefined ? SENTIMENTS : STANCES).filter((label) => label !== answer.label);
    return control(`${about}, sentence ${sentence.index}`, others, send);
  };
}

function control(about, labels, send) {
  const status = element("span", { class: "quiet", role: "status", tabindex: "-1" });
  const error = element("span", { role: "alert" });
  const buttons = labels.map((label) =>
    element("button", { type: "button", class: "plain", "aria-label": `${about}: it is ${label}` }, label),
  );
  const opened = element("summary", { "aria-label": `Correct: ${about}` }, "correct");
  const choice = element("details", { class: "correct" }, opened, ...buttons, error);
  const press = async (label) => {
    buttons.forEach((button) => (button.disabled = true));
    error.textContent = "";
    try {
      await send(label);
      choice.hidden = true;
      status.textContent = `Kept as ${label}, thank you.`;
      status.focus();
    } catch (failed) {
      error.textContent = failed.message;
    } finally {
      buttons.forEach((button) => (button.disabled = false));
    }
  };
  buttons.forEach((button, at) => button.addEventListener("click", () => press(labels[at])));
  return element("div", {}, choice, status);
}
