// What every window starts with: the link to Rust, the cache, the words, and a net for what breaks.

import { QueryClientProvider } from "@tanstack/react-query";
import { Component, StrictMode, type ReactNode } from "react";
import { createRoot } from "react-dom/client";
import { connect } from "../ipc/transport";
import { I18nProvider, type Catalogues } from "./i18n";
import { useShared } from "./i18n/shared";
import { applyTextSize, useLook } from "./look";
import { newQueryClient, useApp, useChanges } from "./query";
import { Banner } from "./components/Banner";
import { Button } from "./components/Button";
import { PhoneLink } from "./components/PhoneLink";

/** Starts a window in `#root`. */
export async function startPage(catalogues: Catalogues, page: ReactNode): Promise<void> {
  applyTextSize();
  const root = document.getElementById("root");
  if (!root) return;
  const connected = await connect();
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={newQueryClient()}>
        <Page catalogues={catalogues} connected={connected}>{page}</Page>
      </QueryClientProvider>
    </StrictMode>,
  );
}

/** Words and look for what stands inside. */
export function Page(props: { catalogues: Catalogues; connected?: boolean; children: ReactNode }) {
  const connected = props.connected ?? true;
  return connected ? (
    <Connected catalogues={props.catalogues}>{props.children}</Connected>
  ) : (
    <I18nProvider language={navigator.language.slice(0, 2)} catalogues={props.catalogues}>
      <Outside />
    </I18nProvider>
  );
}

function Connected(props: { catalogues: Catalogues; children: ReactNode }) {
  const app = useApp();
  useChanges();
  useLook(app.data?.theme, app.data?.language);
  if (app.isPending) return null;
  return (
    <I18nProvider language={app.data?.language ?? navigator.language.slice(0, 2)} catalogues={props.catalogues}>
      <Net>{props.children}</Net>
    </I18nProvider>
  );
}

function Outside() {
  const t = useShared();
  return <main className="screen"><h1>{t("app.name")}</h1><p>{t("app.outside")}</p></main>;
}

/** Catches a screen that broke, says that what was saved is safe, and offers to open again. */
class Net extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };
  static getDerivedStateFromError() {
    return { broken: true };
  }
  override render() {
    return this.state.broken ? <Broken onAgain={() => this.setState({ broken: false })} /> : this.props.children;
  }
}

function Broken(props: { onAgain: () => void }) {
  const t = useShared();
  return (
    <main className="screen stack">
      <h1>{t("app.name")}</h1>
      <Banner id="broken" tone="danger" live>{t("app.broken")}</Banner>
      <PhoneLink id="broken-911" number="911" look="danger" wide>{t("emergency.button")}</PhoneLink>
      <Button id="broken-again" look="primary" onPress={() => { location.hash = "/"; props.onAgain(); }}>{t("app.reload")}</Button>
    </main>
  );
}
