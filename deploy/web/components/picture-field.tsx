"use client";

import { useEffect, useId, useRef, useState, type DragEvent } from "react";

import { bff } from "@/lib/browser";
import { explain } from "@/lib/failure";
import { useFocusWithin } from "@/lib/focus";
import { mayGoOn, whyNot } from "@/lib/picture";

import { Alert } from "./alert";
import { useLanguage, useWords } from "./words";

const ACCEPTED = "image/jpeg,image/png,image/webp,image/avif,image/gif";

interface Props {
  label: string;
  /** The mistake that the gateway found in it. */
  error?: string | undefined;
  /** What is there now, if anything. */
  shown: React.ReactNode;
  /** Called with the key of a picture that is there, or with nothing where it was taken away. */
  change: (key: string | undefined) => void;
  /** Called when one begins to be sent and when that is over. */
  sending?: (is: boolean) => void;
}

type State =
  | { step: "idle"; said: string }
  | { step: "sending"; file: File; preview: string; percent: number }
  | { step: "failed"; file: File; preview: string; why: string; mayGoOn: boolean };

/** Chooses a picture and sends it, by button, by keyboard or by dropping it; it is gone on with after a cut, and when the same
 * file is chosen again after the page was loaded anew. */
export function PictureField({ label, error, shown, change, sending }: Props) {
  const say = useWords();
  const lang = useLanguage();
  const id = useId();
  const [state, setState] = useState<State>({ step: "idle", said: "" });
  const [over, setOver] = useState(false);
  const [offline, setOffline] = useState(false);
  const place = useFocusWithin<HTMLDivElement>(`${state.step} ${shown !== null}`);
  const cancel = useRef<AbortController>(undefined);
  const preview = state.step === "idle" ? undefined : state.preview;

  useEffect(() => () => cancel.current?.abort(), []);
  useEffect(() => (preview === undefined ? undefined : () => URL.revokeObjectURL(preview)), [preview]);
  useEffect(() => {
    const look = () => setOffline(!navigator.onLine);
    window.addEventListener("online", look);
    window.addEventListener("offline", look);
    return () => {
      window.removeEventListener("online", look);
      window.removeEventListener("offline", look);
    };
  }, []);

  const send = async (file: File, at: string) => {
    cancel.current?.abort();
    const mine = new AbortController();
    cancel.current = mine;
    const is = (next: State) => {
      if (cancel.current === mine) setState(next);
    };
    sending?.(true);
    is({ step: "sending", file, preview: at, percent: 0 });
    try {
      const { key } = await bff().upload(file, {
        signal: mine.signal,
        visibility: "public",
        ...kept(),
        onProgress: ({ sent, total }) =>
          is({ step: "sending", file, preview: at, percent: Math.floor((100 * sent) / Math.max(1, total)) }),
      });
      if (cancel.current !== mine) return;
      change(key);
      is({ step: "idle", said: say.picture.there });
    } catch (failure) {
      if (mine.signal.aborted) return is({ step: "idle", said: say.picture.cancelled });
      const why = whyNot(failure, say) ?? explain(failure, say, lang).message ?? say.failed;
      is({ step: "failed", file, preview: at, why, mayGoOn: mayGoOn(failure) });
    } finally {
      if (cancel.current === mine) sending?.(false);
    }
  };
  const choose = (file: File | undefined) => {
    if (!file) return;
    const at = URL.createObjectURL(file);
    if (ACCEPTED.split(",").includes(file.type)) return void send(file, at);
    // It takes the place of one that is on its way.
    cancel.current?.abort();
    cancel.current = undefined;
    sending?.(false);
    setState({ step: "failed", file, preview: at, why: say.picture.noPicture, mayGoOn: false });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files[0]);
  };
  const stop = () => {
    if (state.step === "sending") cancel.current?.abort();
    else setState({ step: "idle", said: say.picture.cancelled });
  };
  const isPicture = state.step !== "idle" && ACCEPTED.split(",").includes(state.file.type);
  return (
    <div
      ref={place}
      role="group"
      aria-labelledby={`${id}-label`}
      className={over ? "picture-field over" : "picture-field"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <strong id={`${id}-label`}>{label}</strong>
      {state.step === "idle" ? shown : null}
      {isPicture ? (
        // eslint-disable-next-line @next/next/no-img-element -- a file of this computer
        <img className="preview" src={preview} alt={say.picture.preview} />
      ) : null}
      {state.step === "sending" ? (
        <>
          <progress max={100} value={state.percent} aria-label={say.picture.progress(state.file.name)} />
          <p className="faint">{offline ? say.picture.waiting : say.picture.sending(state.file.name, state.percent)}</p>
        </>
      ) : null}
      <Alert>{state.step === "failed" ? state.why : error}</Alert>
      <p className="buttons">
        {state.step === "failed" && state.mayGoOn ? (
          <button type="button" onClick={() => void send(state.file, URL.createObjectURL(state.file))}>
            {say.picture.again}
          </button>
        ) : null}
        {state.step === "sending" ? null : (
          <label className="button quiet file">
            <input
              type="file"
              className="unseen"
              accept={ACCEPTED}
              onChange={(event) => {
                choose(event.target.files?.[0]);
                // The same file may be chosen again.
                event.target.value = "";
              }}
            />
            {shown || state.step === "failed" ? say.picture.another : say.picture.choose}
          </label>
        )}
        {state.step === "idle" ? null : (
          <button type="button" className="quiet" onClick={stop}>
            {say.picture.cancel}
          </button>
        )}
        {state.step === "idle" && shown ? (
          <button type="button" className="link" onClick={() => change(undefined)}>
            {say.picture.takeAway}
          </button>
        ) : null}
        {state.step === "idle" && !shown ? <span className="faint">{say.picture.drop}</span> : null}
      </p>
      <span role="status" className="unseen">
        {state.step === "idle" ? state.said : ""}
      </span>
    </div>
  );
}

/** Where it is remembered which uploads have begun: nowhere if the browser keeps nothing for this site. It says so by throwing. */
function kept(): { storage?: Storage } {
  try {
    return { storage: window.localStorage };
  } catch {
    return {};
  }
}
