/** The modes of gpu.js. */

/** Modes whose kernels run on a device, and what they compute lives there. In the order in which they are tried. */
export const deviceModes = ['webgpu', 'webgl2', 'webgl', 'headlessgl'] as const;

/** gpu.js's own fallbacks, which run on the CPU and are there everywhere. The fast one first. */
export const hostModes = ['webasm', 'cpu'] as const;

export const gpuModes = [...deviceModes, ...hostModes] as const;

export type DeviceMode = (typeof deviceModes)[number];
export type HostMode = (typeof hostModes)[number];
export type GpuMode = DeviceMode | HostMode;

/** Drivers that compute on the CPU, by the names they give themselves. */
const softwareNames = /swiftshader|llvmpipe|softpipe|lavapipe|basic render|software/i;

export function isSoftware(adapter: string): boolean {
  return softwareNames.test(adapter);
}
