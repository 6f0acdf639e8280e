import { Banner, State } from "../../base/components/Banner";
import { Button, LinkButton } from "../../base/components/Button";
import { CheckCode } from "../../base/components/CheckCode";
import { Field } from "../../base/components/Field";
import { Frames } from "../../base/components/Frames";
import { Icon } from "../../base/components/Icon";
import { Loaded, Skeleton, Trouble } from "../../base/components/Loaded";
import { PhoneLink } from "../../base/components/PhoneLink";
import { Screen } from "../../base/components/Screen";
import { Typing, useTyped } from "../../base/components/Typing";
import { useCodes } from "../../base/i18n/codes";
import { usePictureWords } from "../../base/i18n/call";
import { useCommand, useVisit } from "../../base/query";
import { useRing } from "../../base/ring";
import { go } from "../../base/router";
import type { AppView, VisitView } from "../../ipc/bindings";
import { commands } from "../../ipc/transport";
import { useWords } from "../words";
import { Note } from "./Note";
import { Sharp } from "./Sharp";

const VISIT = ["visit"];

/** The call on the carrier's side, in each of its states. */
export function Visit(props: { app: AppView }) {
  const query = useVisit();
  return <Loaded query={query}>{(visit) => <VisitIn app={props.app} visit={visit} />}</Loaded>;
}

function VisitIn(props: { app: AppView; visit: VisitView }) {
  const { visit } = props;
  switch (visit.state) {
    case "ringing_in":
      return <Ringing {...props} />;
    case "connecting":
    case "in_call":
    case "reconnecting":
      return <InCall {...props} />;
    case "ended":
      return <Ended {...props} />;
    case "none":
    case "not_connected":
    case "ringing_out":
      return <NoCall {...props} />;
  }
}

/** The other side's name, or "the care team" where it is not known. */
function usePeer(visit: VisitView): string {
  const t = useWords();
  const code = useCodes();
  return visit.peer === null ? t("visit.careTeam") : code.caller(visit.peer);
}

function Ringing(props: { app: AppView; visit: VisitView }) {
  const t = useWords();
  const peer = usePeer(props.visit);
  const accept = useCommand(commands.visitAccept, { key: VISIT, onDone: () => go("visit") });
  const decline = useCommand(commands.visitDecline, { key: VISIT });
  const failure = accept.failure ?? decline.failure;
  useRing();
  return (
    <Screen id="ringing" title={t("visit.ringing", { name: peer })}>
      {failure && <Trouble error={failure} />}
      <div className="ringing stack" role="alert">
        <span className="ringing__bell"><Icon name="video" size="3rem" /></span>
        <p>{t("visit.title")}</p>
      </div>
      <div className="dock">
        <Button id="visit-decline" busy={decline.pending} onPress={() => decline.run()}>{t("visit.decline")}</Button>
        <Button id="visit-accept" look="primary" icon="video" busy={accept.pending} onPress={() => accept.run()}>{t("visit.answer")}</Button>
      </div>
    </Screen>
  );
}

function InCall(props: { app: AppView; visit: VisitView }) {
  const t = useWords();
  const { app, visit } = props;
  const peer = usePeer(visit);
  const picture = usePictureWords(visit, peer);
  const phone = visit.phone ?? app.help_phone;
  // A warning is not to be scrolled for; the code itself waits out of the way.
  const warned = visit.code.state === "failed";
  return (
    <Screen id="in-call" title={t("visit.with", { name: peer })}>
      {warned && <CheckCode visit={visit} phone={phone} />}
      <CallState visit={visit} peer={peer} />
      <div className="call">
        <Frames
          id="remote-picture"
          side="remote"
          url={app.frames_url}
          name={t("visit.remotePicture", { name: peer })}
          waiting={picture.waiting()}
          off={picture.farOff()}
          age={picture.farAge}
          label={visit.peer_synthetic ? t("visit.peerSynthetic") : undefined}
        />
        <Frames
          id="self-picture"
          side="self"
          url={app.frames_url}
          name={t("visit.selfPicture")}
          waiting={t("visit.selfPicture")}
          off={picture.ownOff()}
          age={picture.ownAge}
        />
      </div>
      {visit.synthetic && <State id="synthetic" tone="plain" icon="camera">{t("visit.synthetic")}</State>}
      <Sharp visit={visit} peer={peer} />
      <Controls visit={visit} />
      <Note visit={visit} />
      {visit.phone && <ByPhone visit={visit} number={visit.phone} />}
      <Texts visit={visit} peer={peer} />
      {!warned && <CheckCode visit={visit} phone={phone} />}
    </Screen>
  );
}

/** What the connection does now, in words; said aloud when it changes. */
function CallState(props: { visit: VisitView; peer: string }) {
  const t = useWords();
  const code = useCodes();
  const { visit, peer } = props;
  const lost = visit.state === "reconnecting";
  return (
    <div aria-live="polite" className="stack">
      {lost ? (
        <Banner id="call-quality" tone="warn" icon="sync">{t("visit.reconnecting")}</Banner>
      ) : (
        <State id="call-quality" tone={visit.quality === "good" ? "ok" : "warn"} icon={visit.quality === "good" ? "check" : "alert"}>
          {visit.state === "connecting" ? t("visit.connecting") : code.quality(visit.quality)}
        </State>
      )}
      {visit.sound_only && <State id="sound-only" tone="plain" icon="mic">{t("visit.soundOnlyMine")}</State>}
      {visit.peer_sound_only && <State id="peer-sound-only" tone="plain" icon="mic">{t("visit.soundOnlyTheirs", { name: peer })}</State>}
      {visit.muted && <State id="muted" tone="warn" icon="mic">{t("visit.muted")}</State>}
      {visit.peer_muted && <State id="peer-muted" tone="soft" icon="mic">{t("visit.peerMuted", { name: peer })}</State>}
      {visit.peer_away && <Banner id="peer-away" tone="warn">{t("visit.peerAway", { name: peer })}</Banner>}
    </div>
  );
}

function Controls(props: { visit: VisitView }) {
  const t = useWords();
  const { visit } = props;
  const mute = useCommand(commands.visitMute, { key: VISIT });
  const camera = useCommand(commands.visitCamera, { key: VISIT });
  const sound = useCommand(commands.visitSoundOnly, { key: VISIT });
  const look = useCommand(commands.visitTryPicture, { key: VISIT });
  const leave = useCommand(commands.visitLeave, { key: VISIT });
  const failure = mute.failure ?? camera.failure ?? sound.failure ?? look.failure ?? leave.failure;
  const paused = !visit.sound_only && !visit.peer_sound_only && visit.quality === "picture_paused";
  return (
    <>
      {failure && <Trouble error={failure} />}
      <div className="call__controls">
        <Button id="visit-mute" icon="mic" onPress={() => mute.run(!visit.muted)}>{t(visit.muted ? "visit.unmute" : "visit.mute")}</Button>
        <Button id="visit-camera" icon="camera" onPress={() => camera.run(!visit.camera)}>{t(visit.camera ? "visit.cameraOff" : "visit.cameraOn")}</Button>
        {!visit.sound_only && <Button id="visit-sound-only" icon="mic" onPress={() => sound.run(true)}>{t("visit.soundOnly")}</Button>}
        {visit.sound_only && <Button id="visit-try-video" icon="video" onPress={() => sound.run(false)}>{t("visit.tryVideo")}</Button>}
        {paused && <Button id="visit-try-video" icon="video" onPress={() => look.run()}>{t("visit.tryVideo")}</Button>}
        <Button id="visit-leave" look="danger" icon="close" busy={leave.pending} onPress={() => leave.run()}>{t("visit.leave")}</Button>
      </div>
    </>
  );
}

/** No sound and no picture for half a minute: the telephone, either way. */
function ByPhone(props: { visit: VisitView; number: string }) {
  const t = useWords();
  const ask = useCommand(commands.visitCallMe, { key: VISIT });
  return (
    <Banner id="by-phone" tone="warn" icon="phone" live>
      <div className="stack">
        <p className="strong">{t("visit.byPhone")}</p>
        <PhoneLink id="visit-phone" number={props.number} look="primary" wide>{t("visit.phone")}</PhoneLink>
        {props.visit.call_me ? (
          <State id="call-me-asked" tone="ok" icon="check">{t("visit.callMeAsked")}</State>
        ) : (
          <Button id="call-me" icon="phone" wide busy={ask.pending} onPress={() => ask.run()}>{t("visit.callMe")}</Button>
        )}
        {ask.failure && <Trouble error={ask.failure} />}
      </div>
    </Banner>
  );
}

function Texts(props: { visit: VisitView; peer: string }) {
  const t = useWords();
  const { texts } = props.visit;
  const [text, write, setText] = useTyped();
  const send = useCommand(commands.visitText, { key: VISIT, onDone: () => setText("") });
  const give = () => {
    if (text.trim() !== "") send.run(text.trim());
  };
  return (
    <section className="stack" aria-labelledby="texts">
      <h2 id="texts">{t("visit.texts")}</h2>
      <ul className="texts" aria-live="polite" data-testid="visit-texts">
        {texts.map((line, index) => (
          <li key={index} className={line.mine ? "texts__mine" : ""}>
            <span className="soft small">{line.mine ? t("visit.mine") : props.peer}</span>
            <br />
            {line.text}
            {line.mine && <span className="soft small" data-arrived={line.arrived}> {t(line.arrived ? "visit.textArrived" : "visit.textWaits")}</span>}
          </li>
        ))}
      </ul>
      <Typing visit={props.visit} name={props.peer} />
      {send.failure && <Trouble error={send.failure} />}
      <Field
        id="visit-text"
        label={t("visit.write")}
        hint={props.visit.live_text && t("visit.typingSeen", { name: props.peer })}
        value={text}
        onChange={write}
        onEnter={give}
      />
      <Button id="visit-send" icon="send" busy={send.pending} onPress={give}>{t("action.send")}</Button>
    </section>
  );
}

function Ended(props: { app: AppView; visit: VisitView }) {
  const t = useWords();
  const { visit, app } = props;
  return (
    <Screen id="visit-ended" title={t("visit.ended")}>
      {visit.ended && <p data-testid="ended-why">{t(`visit.ended.${visit.ended}`)}</p>}
      <LinkButton id="ended-summary" look="primary" icon="stethoscope" href="#/summaries">{t("summary.title")}</LinkButton>
      <PhoneLink id="visit-phone" number={visit.phone ?? app.help_phone} wide>{t("visit.phone")}</PhoneLink>
      <div className="dock"><LinkButton id="back" href="#/" icon="home">{t("done.home")}</LinkButton></div>
    </Screen>
  );
}

function NoCall(props: { app: AppView; visit: VisitView }) {
  const t = useWords();
  return (
    <Screen id="no-visit" title={t("visit.none")}>
      {props.visit.state !== "none" && <Skeleton lines={1} />}
      <PhoneLink id="visit-phone" number={props.app.help_phone} wide />
      <div className="dock"><LinkButton id="back" href="#/" icon="home">{t("done.home")}</LinkButton></div>
    </Screen>
  );
}
