/** jsfive, which reads HDF5. `npm run build` puts the package in the place of the import (bundle.ts). */
export { Dataset, File, Group } from 'jsfive';
