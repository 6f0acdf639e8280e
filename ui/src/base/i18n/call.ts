// What both sides' pages say of a call's two pictures.

import type { VisitView } from "../../ipc/bindings";
import type { Age } from "../components/Frames";
import { useFormats } from "./format";
import { useShared } from "./shared";

/** Words for the pictures of a call with `name`. */
export function usePictureWords(visit: VisitView, name: string) {
  const t = useShared();
  const f = useFormats();
  return {
    /** Why the other side's picture is not there. What stands still for another reason says so by its age. */
    farOff: (): string | undefined => {
      if (visit.sound_only || visit.peer_sound_only) return t("visit.noPicture");
      return visit.state === "in_call" && !visit.peer_camera ? t("visit.peerCameraOff", { name }) : undefined;
    },
    /** What stands where a picture of the other side is expected and none has come: that they can talk is said only while they can. */
    waiting: (): string => {
      if (visit.state === "connecting") return t("visit.connecting");
      return t(visit.state === "reconnecting" || visit.peer_away ? "visit.pictureLost" : "visit.waitingPicture");
    },
    /** Why no own picture goes out. */
    ownOff: (): string | undefined => {
      if (!visit.camera) return t("visit.selfCameraOff");
      return visit.sound_only || visit.peer_sound_only ? t("visit.notSent") : undefined;
    },
    farAge: ({ still, seconds }: Age) => t(still ? "visit.still" : "visit.stopped", { age: f.unit(seconds, "second") }),
    ownAge: ({ still }: Age) => (still ? t("visit.stillSent") : null),
  };
}
