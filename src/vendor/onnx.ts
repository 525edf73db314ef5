/** Protocol buffers and the messages of ONNX. `npm run build` puts the packages in the place of the imports (bundle.ts). */
export { create, type DescMessage, fromBinary, toBinary } from '@bufbuild/protobuf';
export { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
export * from 'onnx-buf';
