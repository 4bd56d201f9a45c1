import { createStore } from './store';

const KEY = 'drls.single-keys';

function stored(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off';
  } catch {
    return true;
  }
}

/** Whether single letters are shortcuts. Whoever speaks to the machine, or hits keys by chance, switches them off. */
export const singleKeys = createStore(stored());

singleKeys.watch(() => {
  try {
    localStorage.setItem(KEY, singleKeys.get() ? 'on' : 'off');
  } catch {
    // It then holds for this visit.
  }
});
