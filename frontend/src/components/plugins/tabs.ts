export const TABS = ['overview', 'log', 'configuration'] as const;
export type Tab = (typeof TABS)[number];

export function isTab(text: string): text is Tab {
  return TABS.some((tab) => tab === text);
}
