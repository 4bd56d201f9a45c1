import { clsx } from 'clsx';

/**
 * Joins class names. None takes the place of another: what a component gets from outside is for properties that it leaves
 * alone. To sort them out by property at run time (tailwind-merge) is work that the first list would wait for.
 */
export const cn = clsx;
