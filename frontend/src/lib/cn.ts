import { clsx } from 'clsx';

/**
 * Joins class names. None takes the place of another: what a component gets from outside is for properties that it leaves
 * alone. To sort out Tailwind classes by property (tailwind-merge) took longer than all else before the first table stood.
 */
export const cn = clsx;
