import { createStore } from './store';

export type Theme = 'light' | 'dark' | 'system';

/** Also read by public/early.js, before the first paint. */
const KEY = 'drls.theme';
const system = window.matchMedia('(prefers-color-scheme: dark)');

function stored(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export const theme = createStore<Theme>(stored());

function isDark(): boolean {
  return theme.get() === 'dark' || (theme.get() === 'system' && system.matches);
}

/** Whether dark colours are on, by choice or by the system's. */
export const dark = createStore(isDark());

function apply() {
  document.documentElement.classList.toggle('dark', isDark());
  dark.set(isDark());
}

theme.watch(() => {
  apply();
  try {
    localStorage.setItem(KEY, theme.get());
  } catch {
    // It then holds for this visit.
  }
});
system.addEventListener('change', apply);
