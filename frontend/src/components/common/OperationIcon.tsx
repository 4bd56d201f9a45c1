import {
  Combine,
  Eraser,
  Files,
  History,
  ListTree,
  PencilLine,
  Puzzle,
  SlidersHorizontal,
  SquareMinus,
  SquarePlus,
  Trash2,
  Undo2,
  type LucideIcon,
} from 'lucide-react';

/** The console's set, by the names that plugins give. */
const ICONS: Record<string, LucideIcon> = {
  combine: Combine,
  'column-plus': SquarePlus,
  'column-minus': SquareMinus,
  'column-edit': PencilLine,
  eraser: Eraser,
  files: Files,
  history: History,
  list: ListTree,
  sliders: SlidersHorizontal,
  trash: Trash2,
  undo: Undo2,
};

/** A plugin's icon; a name that is not in the set gets the default one. */
export function OperationIcon({ name, className }: { name: string; className?: string }) {
  const Icon = ICONS[name] ?? Puzzle;
  return <Icon aria-hidden className={className} />;
}
