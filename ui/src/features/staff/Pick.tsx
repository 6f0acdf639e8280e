import { useId } from "react";

/** A labelled list to choose from. `quiet` keeps the label for screen readers only. */
export function Pick(props: {
  id: string;
  label: string;
  value: string;
  options: { value: string; text: string }[];
  onPick: (value: string) => void;
  quiet?: boolean;
}) {
  const id = useId();
  return (
    <span className={props.quiet ? "pick pick--quiet" : "field pick"}>
      <label className={props.quiet ? "hidden-visually" : "field__label"} htmlFor={id}>{props.label}</label>
      <select id={id} className="input" data-testid={props.id} value={props.value} onChange={(event) => props.onPick(event.target.value)}>
        {props.options.map((option) => <option key={option.value} value={option.value}>{option.text}</option>)}
      </select>
    </span>
  );
}
