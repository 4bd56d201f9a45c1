/** Copies by a selection, as before there was a clipboard to write to. `beside` keeps the focus of an open dialog. */
function copySelected(text: string, beside: HTMLElement): boolean {
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'sr-only';
  beside.after(area);
  area.select();
  // There is no other way where a page has come by plain HTTP.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  const copied = document.execCommand('copy');
  area.remove();
  beside.focus();
  return copied;
}

/** Copies a text; `beside` is the button that asked for it. Plain HTTP from another machine has no `clipboard`. */
export async function copyText(text: string, beside: HTMLElement): Promise<void> {
  if ('clipboard' in navigator) return navigator.clipboard.writeText(text);
  if (!copySelected(text, beside)) throw new Error('the browser does not let this page copy');
}
