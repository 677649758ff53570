import { Button } from "react-aria-components/Button";
import { Label } from "react-aria-components/Label";
import { ListBox, ListBoxItem } from "react-aria-components/ListBox";
import { Popover } from "react-aria-components/Popover";
import { Select, SelectValue } from "react-aria-components/Select";
import { Text } from "react-aria-components/Text";
import { useTranslation } from "react-i18next";
import type { Recipe } from "../api/schema";
import { ChevronIcon } from "../app/icons";

interface Props {
  recipes: readonly Recipe[];
  recipe: Recipe | undefined;
  isChanging: boolean;
  onChange: (name: string) => void;
}

/** The recipe that the next part is inspected by. */
export default function RecipeSelect({ recipes, recipe, isChanging, onChange }: Props) {
  const { t } = useTranslation();
  return (
    <Select
      className="field recipe"
      placeholder={t("app.noRecipe")}
      isDisabled={recipes.length === 0 || isChanging}
      value={recipe?.name ?? null}
      onChange={(name) => name !== null && onChange(String(name))}
    >
      <Label>{t("app.recipe")}</Label>
      <Button>
        <SelectValue>{recipe?.name ?? t("app.noRecipe")}</SelectValue>
        <ChevronIcon />
      </Button>
      <Popover className="popover">
        <ListBox items={recipes}>
          {(item) => (
            <ListBoxItem id={item.name} textValue={item.name} className="option">
              <Text slot="label">{item.name}</Text>
              {!item.model_id && <Text slot="description">{t("app.notTaught")}</Text>}
            </ListBoxItem>
          )}
        </ListBox>
      </Popover>
    </Select>
  );
}
