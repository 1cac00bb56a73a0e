import { createColumnHelper, createSortedRowModel, rowSortingFeature, sortFn_alphanumeric, sortFn_text, tableFeatures, useTable, type ColumnDef } from "@tanstack/react-table";
import { useMemo, type ReactNode } from "react";

const features = tableFeatures({
  rowSortingFeature,
  sortedRowModel: createSortedRowModel(),
  sortFns: { alphanumeric: sortFn_alphanumeric, text: sortFn_text },
});

export interface Column<T> {
  id: string;
  header: string;
  // What is sorted by; columns without it cannot be sorted.
  value?: (row: T) => string | number;
  cell: (row: T) => ReactNode;
  className?: string;
}

interface Props<T> {
  label: string;
  columns: Column<T>[];
  rows: T[];
  rowKey: (row: T) => string;
  testid?: string;
}

function definitions<T extends object>(columns: Column<T>[]): ColumnDef<typeof features, T>[] {
  const helper = createColumnHelper<typeof features, T>();
  return columns.map((c) =>
    c.value === undefined
      ? helper.display({ id: c.id, header: c.header, cell: ({ row }) => c.cell(row.original) })
      : helper.accessor(c.value, { id: c.id, header: c.header, cell: ({ row }) => c.cell(row.original) }),
  ) as ColumnDef<typeof features, T>[];
}

// DataTable shows short lists, sortable by their columns. columns must not change
// from one rendering to the next.
export function DataTable<T extends object>({ label, columns, rows, rowKey, testid }: Props<T>) {
  const defs = useMemo(() => definitions(columns), [columns]);
  const table = useTable({ features, columns: defs, data: rows, getRowId: rowKey });
  const classOf = new Map(columns.map((c) => [c.id, c.className ?? ""]));
  return (
    <div className="table-scroll">
      <table className="data" aria-label={label}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((h) => {
                const sorted = h.column.getIsSorted();
                return (
                  <th key={h.id} scope="col" className={classOf.get(h.column.id)} aria-sort={sorted === false ? undefined : sorted === "asc" ? "ascending" : "descending"}>
                    {h.column.getCanSort() && h.column.accessorFn !== undefined ? (
                      <button type="button" onClick={h.column.getToggleSortingHandler()}>
                        <table.FlexRender header={h} />
                        <span aria-hidden="true">{sorted === "asc" ? " ↑" : sorted === "desc" ? " ↓" : ""}</span>
                      </button>
                    ) : (
                      <table.FlexRender header={h} />
                    )}
                  </th>
                );
              })}
            </tr>
          ))}
        </thead>
        <tbody>
          {table.getRowModel().rows.map((row) => (
            <tr key={row.id} data-testid={testid} data-id={row.id}>
              {row.getAllCells().map((cell) => (
                <td key={cell.id} className={classOf.get(cell.column.id)}><table.FlexRender cell={cell} /></td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
