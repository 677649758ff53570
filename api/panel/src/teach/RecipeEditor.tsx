import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useChangeRecipe } from "../api/recipes";
import type { IgnoredBox, Policy, RecipeDetails, RigSequence } from "../api/schema";
import { Outcome } from "../app/Outcome";
import { IgnoreEditor } from "./IgnoreEditor";
import { SequenceFields } from "./SequenceFields";

const FRAMES = ["never", "not_ok", "always"] as const;

/** What a recipe consists of, beside its model: where it does not look, how the rig captures it, what is kept. */
export function RecipeEditor({ recipe }: { recipe: RecipeDetails }) {
  const { t } = useTranslation();
  const change = useChangeRecipe(recipe.name);
  const [product, setProduct] = useState(recipe.product);
  const [ignore, setIgnore] = useState<readonly IgnoredBox[]>(recipe.ignore);
  const [sequence, setSequence] = useState<RigSequence>(recipe.sequence);
  const [policy, setPolicy] = useState<Policy>(recipe.policy);
  const [note, setNote] = useState("");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    change.mutate({ product: product.trim(), ignore: [...ignore], sequence, policy, note: note.trim(), expected_version: recipe.version });
  };
  return (
    <form className="card block wide" onSubmit={submit} data-testid="recipe">
      <h2>
        {t("recipe.title")} <small>{recipe.name}</small>
      </h2>
      <label className="field">
        <span>{t("newRecipe.product")}</span>
        <input value={product} maxLength={200} onChange={(event) => setProduct(event.target.value)} />
      </label>
      <IgnoreEditor recipe={recipe.name} boxes={ignore} onChange={setIgnore} />
      <SequenceFields sequence={sequence} onChange={setSequence} />
      <fieldset className="block plain">
        <legend>{t("recipe.policy")}</legend>
        <div className="row">
          <label className="check">
            <input type="checkbox" checked={policy.keep_sample} onChange={(event) => setPolicy({ ...policy, keep_sample: event.target.checked })} />
            <span>{t("recipe.keepSample")}</span>
          </label>
          <label className="field">
            <span>{t("recipe.keepFrames")}</span>
            <select value={policy.keep_frames} onChange={(event) => setPolicy({ ...policy, keep_frames: FRAMES.find((one) => one === event.target.value) ?? "never" })}>
              {FRAMES.map((one) => (
                <option key={one} value={one}>
                  {t(`recipe.frames.${one}`)}
                </option>
              ))}
            </select>
          </label>
        </div>
      </fieldset>
      <p className="lead">{t("recipe.teachAgain")}</p>
      <div className="row">
        <label className="field">
          <span>{t("teach.note")}</span>
          <input value={note} required maxLength={400} onChange={(event) => setNote(event.target.value)} />
        </label>
        <Button type="submit" className="tool primary" isDisabled={note.trim() === "" || change.isPending || ignore.some(({ name }) => name.trim() === "")}>
          {t("recipe.save", { version: recipe.version + 1 })}
        </Button>
      </div>
      <Outcome action={change} done={t("recipe.saved")} />
    </form>
  );
}
