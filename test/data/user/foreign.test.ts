/** What is given by mistake is named for what it is. */
import { DataError } from '../../../src/core/errors.js';
import { loadUserDataset } from '../../../src/data/user/loadUserDataset.js';
import { rejects } from '../../support/messages.js';
import { suite } from '../../support/suite.js';
import { fails } from './support.js';

suite('own data: what is something else', (test) => {
  const wrong = (content: string | Uint8Array, name: string, what: string) =>
    fails(
      { [name]: content },
      name,
      DataError,
      `@/${name}: this is ${what}, images are not read from it\n  It may be a folder with a folder of pictures for each class, a CSV file, an npz file, or idx files; docs/data.md has the forms.`,
    );

  test('is named for what it is', async () => {
    await wrong(
      Buffer.from('\x89HDF\r\n\x1a\n\0\0', 'latin1'),
      'm.h5',
      'an HDF5 file, as Keras 2 and h5py write it (.h5)',
    );
    await wrong(Buffer.from('PK\x03\x04\0\0', 'latin1'), 'm.keras', 'a model of Keras 3 (.keras)');
    await wrong(Buffer.from('PK\x03\x04\0\0', 'latin1'), 'm.pt', 'weights of PyTorch');
    await wrong(Buffer.from('\x08\x07\x12\x07pytorch', 'latin1'), 'm.onnx', 'a model in ONNX');
    await wrong(
      '{"format": "layers-model", "modelTopology": {}}',
      'model.json',
      'a model of TensorFlow.js (model.json)',
    );
    await wrong(Buffer.from('PAR1'), 'x.parquet', 'a table of Apache Parquet');
  });

  test('devices and pipes are no files, whatever size they tell', async () => {
    await rejects(
      () => loadUserDataset('/dev/zero'),
      DataError,
      '/dev/zero: cannot be read: no file: it is a device, a pipe or a socket',
    );
  });
});
