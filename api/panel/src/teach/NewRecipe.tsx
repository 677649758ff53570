import { type FormEvent, useState } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";
import { useCreateRecipe } from "../api/recipes";
import type { NewRecipe as NewRecipeBody } from "../api/schema";
import { Outcome } from "../app/Outcome";

/** Captured as the rig is set, judged everywhere. */
const PLAIN: Pick<NewRecipeBody, "sequence" | "ignore" | "policy"> = { sequence: {}, ignore: [], policy: { keep_sample: true, keep_frames: "never" } };

/** A product that was never inspected here. */
export function NewRecipe({ onCreated }: { onCreated: (name: string) => void }) {
  const { t } = useTranslation();
  const [name, setName] = useState("");
  const [product, setProduct] = useState("");
  const create = useCreateRecipe();
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create.mutate(
      { name, product: product.trim(), note: t("newRecipe.note"), ...PLAIN },
      {
        onSuccess: () => {
          setName("");
          setProduct("");
          onCreated(name);
        },
      },
    );
  };
  return (
    <form className="card block" onSubmit={submit}>
      <h2>{t("newRecipe.title")}</h2>
      <label className="field">
        <span>{t("newRecipe.name")}</span>
        <input value={name} required pattern="[a-z0-9][a-z0-9_\-]{0,99}" autoCapitalize="none" spellCheck={false} onChange={(event) => setName(event.target.value)} />
      </label>
      <label className="field">
        <span>{t("newRecipe.product")}</span>
        <input value={product} maxLength={200} onChange={(event) => setProduct(event.target.value)} />
      </label>
      <Button type="submit" className="tool" isDisabled={create.isPending}>
        {t("newRecipe.create")}
      </Button>
      <Outcome action={create} />
    </form>
  );
}
