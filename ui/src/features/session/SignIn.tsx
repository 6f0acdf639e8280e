import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, type ReactNode } from "react";
import { Banner } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { Trouble } from "../../base/components/Loaded";
import { Screen } from "../../base/components/Screen";
import { useShared } from "../../base/i18n/shared";
import { answerOf, useCommand } from "../../base/query";
import type { SignInView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";

const People = lazy(async () => ({ default: (await import("../phone/People")).People }));

/** Sign-in in the person's own browser, or by a code on another device. `children`: what works without it. */
export function SignIn(props: { children?: ReactNode }) {
  const t = useShared();
  const key = ["app", "sign-in"];
  const state = useQuery({ queryKey: key, queryFn: () => answerOf(commands.signInState()) });
  const start = useCommand(commands.signInStart, { key });
  const cancel = useCommand(commands.signInCancel, { key });
  const view = state.data;
  const trouble = start.failure ?? cancel.failure;

  return (
    <Screen id="sign-in" title={t("signIn.title")} sub={view?.state === "waiting" ? undefined : t("signIn.sub")}>
      {trouble && <Trouble error={trouble} />}
      {view && <Outcome view={view} />}
      {view?.state === "waiting" ? (
        <>
          <Waiting view={view} />
          {!view.user_code && (
            <Button id="sign-in-code" icon="key" onPress={() => start.run(true)}>{t("signIn.withCode")}</Button>
          )}
          <Button id="sign-in-cancel" look="quiet" onPress={() => cancel.run()}>{t("action.cancel")}</Button>
        </>
      ) : (
        <>
          <Button id="sign-in-start" look="primary" icon="person" busy={start.pending} onPress={() => start.run(false)}>
            {t("signIn.start")}
          </Button>
          <Button id="sign-in-code" icon="key" busy={start.pending} onPress={() => start.run(true)}>{t("signIn.withCode")}</Button>
        </>
      )}
      <Suspense><People place="above" /><People place="below" /></Suspense>
      {props.children}
    </Screen>
  );
}

function Outcome(props: { view: SignInView }) {
  const t = useShared();
  switch (props.view.state) {
    case "idle":
    case "waiting":
    // The window goes on by itself. Here it could only be an earlier one, of who has left this phone since.
    case "done":
      return null;
    case "refused":
    case "expired":
    case "elsewhere":
    case "offline":
      return <Banner id="sign-in-state" tone="warn" live>{t(`signIn.${props.view.state}`)}</Banner>;
  }
}

function Waiting(props: { view: SignInView }) {
  const t = useShared();
  const { url, user_code, opened_browser } = props.view;
  return (
    <section className="card card--line" data-testid="sign-in-waiting" role="status">
      <h2>{t("signIn.waiting")}</h2>
      <p>{t(opened_browser ? "signIn.opened" : "signIn.openYourself")}</p>
      {url && (
        <p>
          <span className="soft small">{t("signIn.address")}</span>
          <br />
          <a href={url} target="_blank" rel="noreferrer" data-testid="sign-in-url">{url}</a>
        </p>
      )}
      {user_code && (
        <p>
          <span className="soft small">{t("signIn.code")}</span>
          <br />
          <strong className="code" data-testid="sign-in-user-code">{user_code}</strong>
        </p>
      )}
    </section>
  );
}

/** A link to the sign-in for a locked or new window. */
export function SignInLink() {
  const t = useShared();
  return <LinkButton id="to-sign-in" href="#/" icon="person">{t("signIn.start")}</LinkButton>;
}
