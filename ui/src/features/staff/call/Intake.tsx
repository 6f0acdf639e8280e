import { useState } from "react";
import { State } from "../../../base/components/Banner";
import { Button } from "../../../base/components/Button";
import { Field } from "../../../base/components/Field";
import { Trouble } from "../../../base/components/Loaded";
import { CheckTile } from "../../../base/components/Tile";
import { useFormats } from "../../../base/i18n/format";
import type { ChartView, IntakeForm } from "../../../ipc/bindings";
import { commands } from "../../../ipc/transport";
import { useStaffCodes } from "../codes";
import { Panel } from "../Panel";
import { Pick } from "../Pick";
import { useChartCommand, useSites } from "../queries";
import { useStaffWords } from "../words";

const INTERPRETERS = ["es", "vi", "zh", "tl", "ko", "ar", "so", "hmn", "ase"] as const;

/** The opening of a visit: who it is, where they are, how to reach them, consent, interpreter. */
export function Intake(props: { task: string; chart: ChartView }) {
  const t = useStaffWords();
  const code = useStaffCodes();
  const { task, chart } = props;
  const known = chart.intake;
  const [form, setForm] = useState<IntakeForm>(() => ({
    identified_by: known?.identified_by ?? [],
    place: known?.place || chart.report?.place_text || "",
    callback: known?.callback || chart.phone || "",
    with: known?.with ?? "",
    consent: known?.consent ?? false,
    interpreter: known?.interpreter || (chart.language === "en" ? "none" : chart.language),
  }));
  const [asked, setAsked] = useState(false);
  const [changed, setChanged] = useState(false);
  const save = useChartCommand(task, commands.intakeSave, { onDone: () => setChanged(false) });
  const change = (next: Partial<IntakeForm>) => {
    setChanged(true);
    setForm((form) => ({ ...form, ...next }));
  };
  const identifiers = [
    { code: "name", name: t("intake.name"), value: known?.name ?? chart.name },
    { code: "birth-date", name: t("person.born"), value: birth(known?.birth_date ?? chart.birth_date, code.birth) },
    { code: "employee-number", name: t("person.number"), value: known?.employee_number ?? chart.employee_number },
  ];
  const missing = [
    form.identified_by.length < 2 && t("intake.missing.identifiers"),
    form.place.trim() === "" && t("intake.missing.place"),
    form.callback.trim() === "" && t("intake.missing.callback"),
    !form.consent && t("intake.missing.consent"),
  ].filter((text) => text !== false);
  const give = () => {
    setAsked(true);
    save.run(task, form);
  };
  return (
    <Panel id="intake" title={t("intake.title")}>
      <fieldset className="identifiers">
        <legend className="field__label">{t("intake.compare")}</legend>
        {identifiers.map((item) => (
          <CheckTile
            key={item.code}
            id={`intake-${item.code}`}
            name="intake-identifier"
            checked={form.identified_by.includes(item.code)}
            onChange={(on) =>
              change({ identified_by: on ? [...form.identified_by, item.code] : form.identified_by.filter((other) => other !== item.code) })
            }
          >
            <span className="soft small">{item.name}</span> {item.value || t("case.unknown")}
          </CheckTile>
        ))}
      </fieldset>
      <Position task={task} chart={chart} />
      <Field id="intake-place" label={t("intake.place")} hint={t("intake.placeHint")} value={form.place} onChange={(place) => change({ place })} />
      <div className="pair">
        <Field id="intake-callback" type="tel" label={t("intake.callback")} value={form.callback} onChange={(callback) => change({ callback })} />
        <Field id="intake-with" label={t("intake.with")} value={form.with} onChange={(withWhom) => change({ with: withWhom })} />
      </div>
      <Pick
        id="intake-interpreter"
        label={t("intake.interpreter")}
        value={form.interpreter}
        options={[
          { value: "none", text: t("intake.noInterpreter") },
          ...[...new Set([...INTERPRETERS, ...(chart.language === "en" ? [] : [chart.language])])].map((tag) => ({ value: tag, text: code.language(tag) })),
        ]}
        onPick={(interpreter) => change({ interpreter })}
      />
      <CheckTile id="intake-consent" name="intake-consent" checked={form.consent} onChange={(consent) => change({ consent })}>{t("intake.consent")}</CheckTile>
      {asked && missing.length > 0 && (
        <div className="field__error" role="alert" data-testid="intake-missing">
          <p>{t("intake.missing")}</p>
          <ul className="plain-list">{missing.map((text) => <li key={text}>{text}</li>)}</ul>
        </div>
      )}
      {save.failure && !(missing.length > 0 && save.failure.code === "invalid") && <Trouble error={save.failure} />}
      <div className="row row--ends">
        <span role="status">
          {known?.saved && !changed && <State id="intake-saved" tone="ok" icon="check">{t("action.saved")}</State>}
        </span>
        <Button id="intake-save" look={known?.saved && !changed ? "secondary" : "primary"} busy={save.pending} onPress={give}>{t("action.save")}</Button>
      </div>
    </Panel>
  );
}

const birth = (day: string | null, format: (day: string) => string) => day && format(day);

/** Where the report came from, in figures to read out, and how far the nearest site is. */
function Position(props: { task: string; chart: ChartView }) {
  const t = useStaffWords();
  const f = useFormats();
  const sites = useSites(props.task);
  const position = props.chart.intake?.position ?? props.chart.report?.position ?? null;
  const nearest = sites.data?.[0];
  if (!position) return <p className="soft" data-testid="intake-no-position">{t("intake.noPosition")}</p>;
  return (
    <p data-testid="intake-position">
      <strong className="figures">{f.position(position)}</strong>
      {position.accuracy_m !== null && <span className="soft"> {t("emergency.accuracy", { distance: f.near(position.accuracy_m) })}.</span>}
      {nearest && nearest.distance_km !== null && (
        <span className="soft"> {t("intake.fromSite", { distance: f.distance(nearest.distance_km), site: nearest.name })}.</span>
      )}
    </p>
  );
}
