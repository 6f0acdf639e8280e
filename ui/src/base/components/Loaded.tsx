// The four states that every view of data has: loading, error, empty, data.

import { useEffect, useRef, useState, type ReactNode } from "react";
import type { CommandError } from "../../ipc/bindings";
import { failureOf, useApp } from "../query";
import { useShared } from "../i18n/shared";
import { Banner } from "./Banner";
import { Button } from "./Button";
import { PhoneLink } from "./PhoneLink";

type Query<T> = { data: T | undefined; error: unknown; isPending: boolean; refetch: () => unknown };

/** Shows what a query gave. Old data stays in view when reading again fails. */
export function Loaded<T>(props: {
  query: Query<T>;
  /** What to show where `isEmpty` holds. */
  empty?: ReactNode;
  isEmpty?: (data: T) => boolean;
  children: (data: T) => ReactNode;
}) {
  const { query } = props;
  if (query.data !== undefined) {
    const empty = props.isEmpty?.(query.data) ?? false;
    return (
      <>
        {query.error != null && <Trouble error={failureOf(query.error)} onAgain={() => void query.refetch()} />}
        {empty ? props.empty : props.children(query.data)}
      </>
    );
  }
  if (query.error != null) return <Trouble error={failureOf(query.error)} onAgain={() => void query.refetch()} />;
  return <Skeleton />;
}

/** Grey bars, only once waiting is long enough to be noticed. */
export function Skeleton(props: { lines?: number }) {
  const t = useShared();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 300);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className="skeleton" role="status" data-testid="loading">
      <span className="hidden-visually">{t("state.loading")}</span>
      {Array.from({ length: props.lines ?? 3 }, (_, line) => <i key={line} />)}
    </div>
  );
}

/** What went wrong, why, what now, and whom to call. */
export function Trouble(props: { error: CommandError; onAgain?: () => void }) {
  const t = useShared();
  const shown = useShownRef();
  const app = useApp();
  const { code, reference } = props.error;
  return (
    <Banner id="trouble" tone="danger" live>
      <div className="stack" ref={shown}>
        <p className="strong">{t(`error.${code}.what`)}</p>
        <p>{t(`error.${code}.now`)}</p>
        <div className="row">
          {props.onAgain && <Button id="try-again" icon="sync" onPress={props.onAgain}>{t("action.tryAgain")}</Button>}
          {app.data && <PhoneLink id="trouble-phone" number={app.data.help_phone} />}
        </div>
        {reference && <p className="small">{t("error.reference", { reference })}</p>}
      </div>
    </Banner>
  );
}

/** Brings what has just appeared into view: it may stand above what was pressed. */
export function useShownRef() {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    ref.current?.scrollIntoView?.({ block: "center" });
  }, []);
  return ref;
}

/** Nothing here, said kindly, with what comes next. */
export function Empty(props: { id: string; children: ReactNode }) {
  return <div className="card" data-testid={props.id}>{props.children}</div>;
}
