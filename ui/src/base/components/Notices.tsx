// What a person must know of the app itself, at the top of every screen.

import type { AppView, NetworkProblem } from "../../ipc/bindings";
import { useShared } from "../i18n/shared";
import { Banner } from "./Banner";

/** Banners about link, clock, store, keychain and demonstration data; none where all is well. */
export function Notices(props: { app: AppView }) {
  const t = useShared();
  const { app } = props;
  const problem: NetworkProblem | "offline" | null =
    app.network.problem ?? (app.network.state === "offline" ? "offline" : null);
  return (
    <>
      {app.demo && <Banner id="notice-demo" flat>{t("app.demo")}</Banner>}
      {problem && <Banner id="notice-network" tone="warn" icon="nosignal" flat live>{t(`network.${problem}`)}</Banner>}
      {app.clock_off_s !== null && <Banner id="notice-clock" tone="warn" icon="clock" flat live>{t("clock.wrong")}</Banner>}
      {app.storage && <Banner id="notice-storage" tone="danger" flat live>{t(`storage.${app.storage}`)}</Banner>}
      {app.vault !== "keychain" && <Banner id="notice-vault" icon="key" flat>{t(`vault.${app.vault}`)}</Banner>}
    </>
  );
}
