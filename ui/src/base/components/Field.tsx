import { useId, type ReactNode } from "react";

/** A labelled text field. */
export function Field(props: {
  id: string;
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
  value: string;
  onChange: (value: string) => void;
  onLeave?: () => void;
  onEnter?: () => void;
  type?: "text" | "password" | "datetime-local" | "date" | "search" | "tel";
  inputMode?: "text" | "decimal" | "numeric" | "search" | "tel";
  lines?: number;
  autoComplete?: string;
  step?: number;
}) {
  const id = useId();
  const described = [props.hint && `${id}-hint`, props.error && `${id}-error`].filter(Boolean).join(" ") || undefined;
  const shared = {
    id,
    className: "input",
    "data-testid": props.id,
    value: props.value,
    "aria-describedby": described,
    "aria-invalid": props.error ? true : undefined,
    onBlur: props.onLeave,
  };
  return (
    <div className="field">
      <label className="field__label" htmlFor={id}>{props.label}</label>
      {props.hint && <span className="field__hint" id={`${id}-hint`}>{props.hint}</span>}
      {props.error && <span className="field__error" id={`${id}-error`}>{props.error}</span>}
      {props.lines ? (
        <textarea {...shared} rows={props.lines} onChange={(event) => props.onChange(event.target.value)} />
      ) : (
        <input
          {...shared}
          type={props.type ?? "text"}
          inputMode={props.inputMode}
          autoComplete={props.autoComplete ?? "off"}
          step={props.step}
          onChange={(event) => props.onChange(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter") props.onEnter?.();
          }}
        />
      )}
    </div>
  );
}

/** Names and values. Values that are not known are left out by the caller or said in words. */
export function Facts(props: { items: { key: string; name: ReactNode; value: ReactNode }[] }) {
  return (
    <dl className="facts">
      {props.items.map((item) => (
        <div key={item.key}>
          <dt>{item.name}</dt>
          <dd>{item.value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** Points of a list. */
export function Points(props: { items: ReactNode[] }) {
  return (
    <ul className="points">
      {props.items.map((item, index) => (
        <li key={index}>{item}</li>
      ))}
    </ul>
  );
}
