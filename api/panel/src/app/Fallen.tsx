import { Component, type ReactNode } from "react";
import { Button } from "react-aria-components/Button";
import { useTranslation } from "react-i18next";

/** Stands in for a page that cannot be shown, such as one whose files went with an update of the service under the open panel. */
export class Fallen extends Component<{ children: ReactNode }, { error: unknown }> {
  override state = { error: null };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    return this.state.error ? <Message error={this.state.error} /> : this.props.children;
  }
}

function Message({ error }: { error: unknown }) {
  const { t } = useTranslation();
  return (
    <main className="signed-out">
      <div className="card" role="alert">
        <h1>{t("fallen.title")}</h1>
        <p>{t("fallen.how")}</p>
        <p className="code">{String(error)}</p>
        <Button className="tool primary" onPress={() => window.location.reload()}>
          {t("fallen.reload")}
        </Button>
      </div>
    </main>
  );
}
