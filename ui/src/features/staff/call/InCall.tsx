import { Banner, State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { CheckCode } from "../../../base/components/CheckCode";
import { Frames } from "../../../base/components/Frames";
import { Trouble } from "../../../base/components/Loaded";
import { PhoneLink } from "../../../base/components/PhoneLink";
import { Typing } from "../../../base/components/Typing";
import { usePictureWords } from "../../../base/i18n/call";
import { useCodes } from "../../../base/i18n/codes";
import { useFormats } from "../../../base/i18n/format";
import { useApp, useCommand } from "../../../base/query";
import type { VisitView } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useStaffWords } from "../words";
import { Sharp } from "./Sharp";

const key = ["visit"];

/** Both pictures, what the connection is like, and the controls. */
export function InCall(props: { visit: VisitView; name: string; phone: string | null }) {
  const t = useStaffWords();
  const app = useApp();
  const { visit, name, phone } = props;
  const picture = usePictureWords(visit, name);
  const url = app.data?.frames_url ?? null;
  const away = visit.state === "reconnecting" || visit.peer_away;
  return (
    <>
      <div className="stage" data-state={visit.state}>
        <Frames
          id="visit-remote"
          side="remote"
          url={url}
          name={t("visit.remotePicture", { name })}
          waiting={picture.waiting()}
          off={picture.farOff()}
          age={picture.farAge}
          label={visit.peer_synthetic ? t("visit.peerSynthetic") : undefined}
        />
        <Frames
          id="visit-self"
          side="self"
          url={url}
          name={t("visit.selfPicture")}
          waiting={t("call.you")}
          off={picture.ownOff()}
          age={picture.ownAge}
          label={visit.synthetic ? t("call.selfSynthetic") : undefined}
        />
      </div>
      {away && (
        <Banner id="call-away" tone="warn" icon="nosignal" live>
          <p className="strong">{visit.peer_away ? t("visit.peerAway", { name }) : t("visit.reconnecting")}</p>
          <p>{t("call.stays")}</p>
          {phone && <PhoneLink id="call-phone" number={phone} look="primary">{t("call.byPhone", { number: phone })}</PhoneLink>}
        </Banner>
      )}
      {visit.peer_call_me && <CallMe name={name} phone={phone} />}
      <Quality visit={visit} name={name} />
      <Controls visit={visit} />
      <Sharp visit={visit} name={name} />
      <CheckCode visit={visit} phone={phone} />
      <LastLine visit={visit} name={name} />
      <Typing visit={visit} name={name} />
    </>
  );
}

/** They asked for a call by telephone. */
export function CallMe(props: { name: string; phone: string | null }) {
  const t = useStaffWords();
  const { name, phone } = props;
  return (
    <Banner id="call-me-wanted" tone="warn" icon="phone" live>
      <p className="strong">{t("call.wantsCall", { name })}</p>
      {phone && <PhoneLink id="call-me-phone" number={phone} look="primary">{t("call.byPhone", { number: phone })}</PhoneLink>}
    </Banner>
  );
}

function Quality(props: { visit: VisitView; name: string }) {
  const t = useStaffWords();
  const f = useFormats();
  const code = useCodes();
  const { visit, name } = props;
  const good = visit.state === "in_call" && visit.quality === "good";
  const figures = [
    visit.rtt_ms !== null && f.unit(visit.rtt_ms, "millisecond"),
    visit.loss_permille !== null && t("signal.loss", { percent: f.number(visit.loss_permille / 10, 1) }),
    visit.path === "relay" && t("call.relay", { protocol: (visit.relay_protocol ?? "").toUpperCase() }),
  ].filter((text) => text !== false);
  return (
    <div className="quality" role="status">
      <State id="visit-quality" tone={good ? "ok" : "warn"} icon={good ? "check" : "alert"}>
        {visit.state === "connecting" ? t("visit.connecting") : code.quality(visit.quality)}
      </State>
      <span className="soft small" data-testid="visit-figures">{figures.join(" · ")}</span>
      {visit.peer_sound_only && <span data-testid="peer-sound-only">{t("visit.soundOnlyTheirs", { name })}</span>}
      {visit.sound_only && <strong data-testid="sound-only">{t("visit.soundOnlyMine")}</strong>}
      {visit.peer_muted && <span>{t("visit.peerMuted", { name })}</span>}
      {visit.muted && <strong>{t("visit.muted")}</strong>}
    </div>
  );
}

function Controls(props: { visit: VisitView }) {
  const t = useStaffWords();
  const { visit } = props;
  const mute = useCommand(commands.visitMute, { key });
  const camera = useCommand(commands.visitCamera, { key });
  const sound = useCommand(commands.visitSoundOnly, { key });
  const look = useCommand(commands.visitTryPicture, { key });
  const leave = useCommand(commands.visitLeave, { key });
  const failure = mute.failure ?? camera.failure ?? sound.failure ?? look.failure ?? leave.failure;
  const paused = !visit.sound_only && !visit.peer_sound_only && visit.quality === "picture_paused";
  return (
    <>
      <div className="controls">
        <Button id="visit-mute" icon="mic" pressed={visit.muted} onPress={() => mute.run(!visit.muted)}>{t(visit.muted ? "visit.unmute" : "visit.mute")}</Button>
        <Button id="visit-camera" icon="camera" pressed={!visit.camera} onPress={() => camera.run(!visit.camera)}>{t(visit.camera ? "visit.cameraOff" : "visit.cameraOn")}</Button>
        {!visit.sound_only && <Button id="visit-sound-only" icon="mic" onPress={() => sound.run(true)}>{t("visit.soundOnly")}</Button>}
        {visit.sound_only && <Button id="visit-try-video" icon="video" onPress={() => sound.run(false)}>{t("visit.tryVideo")}</Button>}
        {paused && <Button id="visit-try-video" icon="video" onPress={() => look.run()}>{t("visit.tryVideo")}</Button>}
        <Button id="visit-leave" look="danger-solid" icon="phone" busy={leave.pending} onPress={() => leave.run()}>{t("visit.leave")}</Button>
      </div>
      {failure && <Trouble error={failure} />}
    </>
  );
}

/** What the other side wrote last; the whole exchange stands below the opening. */
function LastLine(props: { visit: VisitView; name: string }) {
  const line = props.visit.texts.findLast((text) => !text.mine);
  if (!line) return null;
  return <p className="lines__last" role="status" data-testid="visit-last-line"><span className="soft">{props.name}: </span>{line.text}</p>;
}
