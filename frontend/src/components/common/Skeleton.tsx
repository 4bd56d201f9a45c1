/** Holds the room of so many rows while they are asked for, so that nothing jumps when they come. */
export function SkeletonRows({ rows, label, height = 40 }: { rows: number; label: string; height?: number }) {
  return (
    <div role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} className="flex items-center border-b border-border px-3 last:border-0" style={{ height }}>
          <div className="skeleton h-3" style={{ width: `${28 + ((row * 37) % 45)}%` }} />
        </div>
      ))}
    </div>
  );
}
