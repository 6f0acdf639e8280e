import type { ReactNode } from "react";
import { CheckTile } from "./Tile";

/** One of several, as large tiles; it holds as soon as it is touched. */
export function Choice<V extends string | number>(props: {
  name: string;
  title: string;
  /** What to know before choosing. */
  hint?: ReactNode;
  list?: boolean;
  options: readonly V[];
  chosen: string | number;
  words: (option: V) => ReactNode;
  onChoose: (option: V) => void;
}) {
  return (
    <fieldset>
      <legend><h2>{props.title}</h2></legend>
      {props.hint}
      <div className={props.list ? "tiles tiles--list" : "tiles"}>
        {props.options.map((option) => (
          <CheckTile
            key={option}
            id={`${props.name}-${option}`}
            kind="radio"
            name={props.name}
            checked={props.chosen === option}
            onChange={() => props.onChoose(option)}
          >
            {props.words(option)}
          </CheckTile>
        ))}
      </div>
    </fieldset>
  );
}
