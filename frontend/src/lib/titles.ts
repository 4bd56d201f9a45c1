let over: HTMLElement | null = null;

/** The title of what is below a link that fills its row, where the pointer is. */
function titleBelow(link: HTMLElement, x: number, y: number): string {
  const row = link.closest('.relative');
  for (const one of document.elementsFromPoint(x, y)) {
    if (one !== link && one instanceof HTMLElement && one.title && row?.contains(one)) return one.title;
  }
  return '';
}

/** None stays on a link that is left: it would be read out as what the link is. */
function leave() {
  over?.removeAttribute('title');
  over = null;
}

function move({ target, clientX, clientY }: MouseEvent) {
  if (over !== target) leave();
  if (!(target instanceof HTMLElement) || !target.matches('.fills-row')) return;
  over = target;
  target.title = titleBelow(target, clientX, clientY);
}

/** A link that fills its row (`fills-row`) lies over what is in it: it tells the titles of what the pointer is above. */
export function watchTitles(): void {
  document.addEventListener('mousemove', move, { passive: true });
  // Also of a list that scrolls by itself.
  document.addEventListener('scroll', leave, { passive: true, capture: true });
  document.documentElement.addEventListener('mouseleave', leave);
}
