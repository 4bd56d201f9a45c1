import { createStore } from './store';

export type Theme = 'light' | 'dark' | 'system';

/** Also read by public/theme.js, before the first paint. */
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

/** Whether dark colours are on. */
export function isDark(): boolean {
  return theme.get() === 'dark' || (theme.get() === 'system' && system.matches);
}

function apply() {
  document.documentElement.classList.toggle('dark', isDark());
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
