import type { ReactNode } from "react";

/** A column's head; over numbers it stands at their side. */
type Head = string | { number: string };

/** A list of rows. Where it is wider than the page it scrolls, by touch and by keys. */
export function ListTable({ label, heads, children }: { label: string; heads?: readonly Head[]; children: ReactNode }) {
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="table">
        {heads && (
          <thead>
            <tr>
              {heads.map((head) =>
                typeof head === "string" ? <th key={head}>{head}</th> : <th key={head.number} className="number">{head.number}</th>,
              )}
            </tr>
          </thead>
        )}
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
