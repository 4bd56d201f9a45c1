/** What opens over the page, in one file that comes once the page stands: see useOverlays. */
export { JobsTray } from './JobsTray';
export { KeyMap } from './KeyMap';
export { SessionEnded } from './SessionEnded';
export { UserMenu } from './UserMenu';
