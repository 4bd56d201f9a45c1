/** The sign of the console, drawn in place: a picture would be asked for before the first page stands. public/icon.png is the same. */
export function Logo({ size }: { size: number }) {
  return (
    <svg viewBox="0 0 32 32" width={size} height={size} aria-hidden>
      <rect width="32" height="32" rx="7" fill="#0f766e" />
      <path d="M7 12.5 16 8l9 4.5L16 17Z" fill="#fff" />
      <path
        d="m7 16.5 9 4.5 9-4.5M7 20.5l9 4.5 9-4.5"
        fill="none"
        stroke="#99f6e4"
        strokeWidth="2"
        strokeLinejoin="round"
      />
    </svg>
  );
}
