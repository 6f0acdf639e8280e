"""What a person would have understood: recogniser, PESQ and mouth-to-ear delay of sound sent and heard.

    python3 ear.py setup VENV            a virtual environment with what this needs (pocketsphinx has its model inside)
    python3 ear.py speech FOLDER         speech of two voices by espeak-ng: carrier.wav, clinician.wav and when each phrase is
    python3 ear.py listen RUN.json FOLDER SPEECH    one run's recordings; prints a line of JSON for each side

Words are counted against what was said (in the script's own vocabulary: a small recogniser is poor at more) and against what the same
recogniser makes of the sound before it was sent. Danger words are counted apart.
"""

import collections
import json
import math
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

RATE = 48000
PHRASES = {
    "carrier": [
        "good morning doctor this is the carrier on route nine",
        "a dog bit my left hand about twenty minutes ago",
        "it is still bleeding through the second bandage",
        "now i have chest pain and my arm feels numb",
        "i cannot breathe well when i walk up the hill",
        "there is no swelling on my face or tongue",
        "my sugar was fifty five before lunch",
        "i took two tablets of aspirin at ten",
        "i feel dizzy and the truck is very hot",
        "the nearest house is six miles down the road",
        "please call my supervisor and tell her where i am",
        "yes i can see you but the picture is slow",
    ],
    "clinician": [
        "hello i am the nurse on duty today",
        "tell me where the pain is and when it began",
        "press hard on the wound until the bleeding stops",
        "if you have chest pain sit down at once",
        "do you feel that you cannot breathe",
        "take the blue inhaler two times and wait one minute",
        "do not drive the truck until i say so",
        "drink water slowly and stay in the shade",
        "are you allergic to penicillin or to bees",
        "an ambulance will be there in fifteen minutes",
        "raise your hand above your heart and hold it",
        "i will call you again at half past three",
    ],
}
VOICES = {"carrier": ("en-us", 150), "clinician": ("en-us+f3", 155)}
DANGER = ["chest pain", "cannot breathe", "bleeding", "dizzy", "numb", "swelling", "ambulance", "allergic", "penicillin", "not drive"]
PAUSE_S = 0.6
# A sound that is later than this was not heard as part of the talk.
LATEST_S = 3.0


def setup(folder):
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    pip = [str(Path(folder) / "bin/pip"), "install", "--quiet", "--disable-pip-version-check"]
    # pesq names no builder of its own: numpy and Cython must be there when it is built.
    subprocess.run([*pip, "numpy", "cython", "setuptools", "wheel", "pocketsphinx"], check=True)
    subprocess.run([*pip, "--no-build-isolation", "pesq"], check=True)


def read_wav(path):
    import numpy

    with wave.open(str(path)) as file:
        rate = file.getframerate()
        sound = numpy.frombuffer(file.readframes(file.getnframes()), dtype="<i2").astype(float)
    return sound, rate


def resampled(sound, old, new):
    """By cutting or filling the spectrum: whole files, no clicks to fear within."""
    import numpy

    if old == new or len(sound) == 0:
        return sound
    count = int(len(sound) * new / old)
    spectrum = numpy.fft.rfft(sound)
    wanted = numpy.zeros(count // 2 + 1, dtype=complex)
    kept = min(len(wanted), len(spectrum))
    wanted[:kept] = spectrum[:kept]
    return numpy.fft.irfft(wanted, count) * (new / old)


def speech(folder):
    """Writes each voice's phrases, one after another with pauses, looped by whoever plays them."""
    import numpy

    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, phrases in PHRASES.items():
        voice, pace = VOICES[name]
        sound, times = [numpy.zeros(int(PAUSE_S * RATE))], []
        at = len(sound[0])
        for text in phrases:
            one = folder / "one.wav"
            subprocess.run(["espeak-ng", "-v", voice, "-s", str(pace), "-w", str(one), text], check=True)
            spoken, rate = read_wav(one)
            spoken = trimmed(resampled(spoken, rate, RATE))
            times.append({"text": text, "begin": at / RATE, "end": (at + len(spoken)) / RATE})
            gap = numpy.zeros(int(PAUSE_S * RATE))
            sound += [spoken, gap]
            at += len(spoken) + len(gap)
        one.unlink()
        whole = numpy.concatenate(sound)
        whole *= 20000 / numpy.abs(whole).max()
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, RATE, 0, "NONE", ""))
            file.writeframes(whole.astype("<i2").tobytes())
        (folder / f"{name}.json").write_text(json.dumps({"seconds": len(whole) / RATE, "phrases": times}))


def trimmed(sound):
    import numpy

    loud = numpy.nonzero(numpy.abs(sound) > 0.01 * numpy.abs(sound).max())[0]
    return sound[loud[0] : loud[-1] + 1]


def envelope(sound, rate):
    """Loudness in steps of 10 ms; roots, so that quiet sounds count, too."""
    import numpy

    step = rate // 100
    count = len(sound) // step
    return numpy.sqrt(numpy.sqrt((sound[: count * step].reshape(count, step) ** 2).mean(axis=1)))


def best_lag(one, two):
    """Where in `two` (the longer) `one` fits best, and how well (1 is perfectly)."""
    import numpy

    # A sound that is not there may be still digital zeros: then nothing fits anywhere.
    if len(two) < len(one) or one.std() == 0:
        return 0, 0.0
    windows = numpy.lib.stride_tricks.sliding_window_view(two, len(one))
    spread = windows.std(axis=1)
    fits = (windows * (one - one.mean())).mean(axis=1) / numpy.maximum(spread * one.std(), 1e-9)
    best = int(fits.argmax())
    return best, float(fits[best])


def pairs_of_words(phrases, share):
    """A language model (ARPA): words as they follow one another in the script, and with this share any word after any other.

    A free order of words is beyond this recogniser even for clean speech; whole phrases would be guessed from a syllable.
    """
    spoken = [["<s>", *text.split(), "</s>"] for text in phrases]
    single = collections.Counter(word for words in spoken for word in words[1:])
    chance = {word: count / single.total() for word, count in single.items()}
    after = collections.defaultdict(collections.Counter)
    for words in spoken:
        for one, two in zip(words, words[1:]):
            after[one][two] += 1
    known = ["<s>", *sorted(single)]
    log = math.log10
    lines = ["\\data\\", f"ngram 1={len(known)}", f"ngram 2={sum(map(len, after.values()))}", "", "\\1-grams:"]
    for word in known:
        others = 1 - sum(chance[two] for two in after[word])
        lines.append(f"{log(chance[word]) if word in chance else -99:.4f} {word} {log(share / others) if word in after else 0:.4f}")
    lines += ["", "\\2-grams:"]
    for one in known:
        for two, count in sorted(after[one].items()):
            lines.append(f"{log((1 - share) * count / after[one].total()):.4f} {one} {two}")
    return "\n".join([*lines, "", "\\end\\", ""])


class Recogniser:
    """Knows the words of one script and how they follow one another."""

    def __init__(self, voice):
        import pocketsphinx

        with tempfile.NamedTemporaryFile("w", suffix=".lm") as file:
            file.write(pairs_of_words(PHRASES[voice], 0.2))
            file.flush()
            self.decoder = pocketsphinx.Decoder(lm=file.name, samprate=16000, loglevel="FATAL")

    def words(self, sound):
        import numpy

        # A floor of noise (-60 dB) for all alike: the recogniser is thrown by digital silence, which a synthesiser makes and a
        # codec fills, so that without it speech seems better heard than it was said.
        floor = numpy.random.default_rng(1).standard_normal(len(sound) + 6400) * 30
        whole = numpy.concatenate([numpy.zeros(3200), sound, numpy.zeros(3200)]) + floor
        raw = numpy.clip(whole, -32768, 32767).astype("<i2").tobytes()
        self.decoder.start_utt()
        self.decoder.process_raw(raw, full_utt=True)
        self.decoder.end_utt()
        found = self.decoder.hyp()
        return found.hypstr.split() if found else []


def wrong(said, heard):
    """Words to put in, take out or change (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for n, word in enumerate(said, 1):
        old, row = row, [n]
        for m, other in enumerate(heard, 1):
            row.append(min(row[-1] + 1, old[m] + 1, old[m - 1] + (word != other)))
    return row[-1]


def occurrences(script, begin, count_s, offset):
    """Phrases as (text, begin, end) on the heard file's clock, which begins `offset` seconds into the looped speech."""
    first = int(offset // script["seconds"]) - 1
    found = []
    for loop in range(first, first + int(count_s / script["seconds"]) + 3):
        for phrase in script["phrases"]:
            at = loop * script["seconds"] + phrase["begin"] - offset
            till = loop * script["seconds"] + phrase["end"] - offset
            if at >= begin and till + LATEST_S <= count_s:
                found.append((phrase, at, till))
    return found


def offset_of(side, far, far_sent, original):
    """Seconds into the far side's looped speech at this side's time zero (the connection)."""
    import numpy

    if far_sent is None:
        # Ours: its file begins with its threads.
        return (side["at"] - far["began"]) / 1000
    # A browser recorded what it sent from its own connection on: where in the speech is that?
    pattern = envelope(far_sent[: 10 * RATE], RATE)
    loop = envelope(original, RATE)
    lag, fit = best_lag(pattern, numpy.concatenate([loop, loop]))
    if fit < 0.5:
        raise ValueError(f"what was sent is not the speech (fit {fit:.2f})")
    return lag / 100 + (side["at"] - far["at"]) / 1000


def median(values):
    return sorted(values)[len(values) // 2] if values else None


def listen(run_file, folder, speech_folder):
    import numpy
    import pesq

    run = json.loads(Path(run_file).read_text())
    for number, side in enumerate(run["sides"]):
        far = run["sides"][1 - number]
        heard_file = Path(folder) / f"{side['role']}-heard.wav"
        if not side.get("connected") or not heard_file.exists():
            continue
        voice = "carrier" if far["role"] == "answer" else "clinician"
        script = json.loads((Path(speech_folder) / f"{voice}.json").read_text())
        original, _ = read_wav(Path(speech_folder) / f"{voice}.wav")
        heard, _ = read_wav(heard_file)
        sent_file = Path(folder) / f"{far['role']}-sent.wav"
        far_sent = read_wav(sent_file)[0] if sent_file.exists() else None
        offset = offset_of(side, far, far_sent, original)
        recogniser = Recogniser(voice)
        heard16 = resampled(heard, RATE, 16000)
        original16 = resampled(original, RATE, 16000)
        before = {}
        count = {"words": 0, "wrong": 0, "wrong_sent": 0, "differ": 0, "danger": 0, "danger_heard": 0, "danger_sent": 0}
        delays, scores, phrases = [], [], []
        for phrase, begin, end in occurrences(script, 2.0, len(heard) / RATE, offset):
            sent = original16[int(phrase["begin"] * 16000) : int(phrase["end"] * 16000)]
            window = heard[int(begin * RATE) : int((end + LATEST_S) * RATE)]
            lag, fit = best_lag(envelope(resampled(sent, 16000, RATE), RATE), envelope(window, RATE))
            # Where nothing like it is to be found, it is looked for where the others came.
            if fit >= 0.6:
                delays.append(lag / 100)
            delay = lag / 100 if fit >= 0.6 else (median(delays) or 0.3)
            from_, till = int((begin + delay) * 16000), int((end + delay) * 16000)
            got = heard16[max(0, from_ - 1600) : till + 3200]
            text = phrase["text"]
            if text not in before:
                first, last = int(phrase["begin"] * 16000), int(phrase["end"] * 16000)
                before[text] = recogniser.words(original16[max(0, first - 1600) : last + 3200])
            said, words = text.split(), recogniser.words(got)
            count["words"] += len(said)
            count["wrong"] += wrong(said, words)
            count["wrong_sent"] += wrong(said, before[text])
            count["differ"] += wrong(before[text], words)
            for danger in DANGER:
                if danger in text:
                    count["danger"] += 1
                    count["danger_heard"] += danger in " ".join(words)
                    count["danger_sent"] += danger in " ".join(before[text])
            scores.append(score(pesq, sent, heard16[from_:till]))
            phrases.append({"at": round(begin, 2), "text": text, "heard": " ".join(words), "delay": delay, "fit": round(fit, 2), "pesq": scores[-1]})
        scored = [one for one in scores if one is not None]
        delays.sort()
        print(json.dumps({
            "cell": run["cell"], "pair": run["pair"], "seed": run["seed"], "role": side["role"], "peer": side["peer"],
            "phrases": len(phrases), "wer": count["wrong"] / max(1, count["words"]), "wer_sent": count["wrong_sent"] / max(1, count["words"]),
            "wer_against_sent": count["differ"] / max(1, count["words"]), "danger": count["danger"], "danger_heard": count["danger_heard"],
            "danger_sent": count["danger_sent"], "pesq": float(numpy.mean(scored)) if scored else None,
            "delay_ms_p50": 1000 * median(delays) if delays else None,
            "delay_ms_p95": 1000 * delays[min(len(delays) - 1, int(len(delays) * 0.95))] if delays else None,
            "found": len(delays), "each": phrases,
        }))


def score(pesq, sent, got):
    """PESQ, wide band: 1 is unusable, 4.6 the same. What is silent altogether has the least."""
    length = min(len(sent), len(got))
    if length < 8000:
        return None
    try:
        return float(pesq.pesq(16000, sent[:length] / 32768, got[:length] / 32768, "wb"))
    except pesq.NoUtterancesError:
        return 1.0


if __name__ == "__main__":
    commands = {"setup": setup, "speech": speech, "listen": listen}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
