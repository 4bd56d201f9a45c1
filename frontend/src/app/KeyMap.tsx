import { Dialog, DialogContent, DialogDescription, DialogTitle } from '@/components/ui/dialog';
import { singleKeys } from '@/lib/singleKeys';
import { useStore } from '@/lib/store';

const KEYS: [string, [string, string][]][] = [
  [
    'Anywhere',
    [
      ['?', 'These keys'],
      ['Ctrl K', 'Go to a page, table, operation or plugin'],
      ['/', 'Search in the list'],
      ['g t', 'Tables'],
      ['g j', 'Jobs'],
      ['g p', 'Plugins'],
      ['t d', 'Light or dark'],
      ['Esc', 'Close what is open'],
    ],
  ],
  [
    'Lists and tables',
    [
      ['↓ ↑', 'Next and previous row (also j, k)'],
      ['Enter', 'Open the row'],
      ['[ ]', 'Previous and next tab of a table'],
      ['Tab', 'Every button and link'],
    ],
  ],
];

/** What the keys do, and the switch of those that are pressed alone. */
export function KeyMap({ close }: { close: () => void }) {
  const single = useStore(singleKeys);
  return (
    <Dialog open onOpenChange={close}>
      <DialogContent>
        <DialogTitle className="font-medium">Keys</DialogTitle>
        <DialogDescription className="sr-only">What each key does</DialogDescription>
        {KEYS.map(([title, keys]) => (
          <section key={title} className="mt-4">
            <h3 className="eyebrow mb-1">{title}</h3>
            <dl>
              {keys.map(([key, does]) => (
                <div key={key} className="flex items-center gap-4 py-1">
                  <dt className="w-20 shrink-0">
                    {key.split(' ').map((one) => (
                      <kbd
                        key={one}
                        className="mr-1 rounded-sm border border-border bg-muted px-1.5 py-0.5 font-sans text-xs"
                      >
                        {one}
                      </kbd>
                    ))}
                  </dt>
                  <dd>{does}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
        <label className="mt-4 flex items-center gap-2 border-t border-border pt-3">
          <input type="checkbox" checked={single} onChange={({ target }) => singleKeys.set(target.checked)} />
          Keys that are pressed alone, as <kbd>/</kbd> and <kbd>]</kbd>
        </label>
      </DialogContent>
    </Dialog>
  );
}
