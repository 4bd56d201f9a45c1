// Makes a component. Arguments: the entry file, folder of the WIT, world, file to write. Without WASI: the features of the
// engine that would need it are left out, so that the component imports the contract alone.
import { componentize } from '@bytecodealliance/componentize-js';
import { writeFile } from 'node:fs/promises';

const [sourcePath, witPath, worldName, output] = process.argv.slice(2);
const disableFeatures = ['stdio', 'random', 'clocks', 'http', 'fetch-event'];
const { component } = await componentize({ sourcePath, witPath, worldName, disableFeatures });
await writeFile(output, component);
