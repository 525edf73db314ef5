/** Chooses the mode of gpu.js: the one that is asked for, or the best that is there. */
import { BackendError, sentencesOf } from '../../core/errors.js';
import type { GpuDevice } from './device.js';
import { GlDevice } from './glDevice.js';
import { HostDevice } from './hostDevice.js';
import { deviceModes, type GpuMode, gpuModes, hostModes, isSoftware } from './modes.js';
import { WebGpuDevice } from './webgpuDevice.js';

interface OpenedDevice {
  readonly device: GpuDevice;
  /** Why something less than what was asked for runs. */
  readonly fallback?: string;
}

/** Opens a mode. Rejects with a BackendError where it cannot run here. */
export async function openMode(mode: GpuMode): Promise<GpuDevice> {
  switch (mode) {
    case 'webgpu':
      return WebGpuDevice.open();
    case 'webgl2':
    case 'webgl':
    case 'headlessgl':
      return GlDevice.open(mode);
    case 'webasm':
    case 'cpu':
      return new HostDevice(mode);
  }
}

/**
 * Opens the mode of that name. Without a name: the first mode of a device that is hardware; else the first of gpu.js's
 * own modes for the CPU, which beat a device that a CPU imitates. Rejects with a BackendError.
 */
export async function openDevice(name?: string): Promise<OpenedDevice> {
  if (name !== undefined) {
    const mode = gpuModes.find((known) => known === name);
    if (mode === undefined) {
      throw new BackendError(`gpu: gpu.js has no mode '${name}': ${gpuModes.join(', ')}`);
    }
    const device = await openMode(mode);
    return isHardware(device) ? { device } : { device, fallback: softwareNote(device) };
  }
  const reasons: string[] = [];
  for (const mode of deviceModes) {
    try {
      const device = await openMode(mode);
      if (isHardware(device)) return { device };
      reasons.push(`${mode}: ${device.adapter} computes on the CPU`);
      await device.close();
    } catch (error) {
      reasons.push(`${mode}: ${sentencesOf(error).replace(/^gpu: /, '')}`);
    }
  }
  for (const mode of hostModes) {
    try {
      const device = await openMode(mode);
      return { device, fallback: `${softwareNote(device)}; no GPU (${reasons.join('; ')})` };
    } catch (error) {
      reasons.push(`${mode}: ${sentencesOf(error).replace(/^gpu: /, '')}`);
    }
  }
  throw new BackendError(`gpu: no mode of gpu.js runs here: ${reasons.join('; ')}`);
}

function isHardware({ adapter }: GpuDevice): boolean {
  return adapter !== undefined && !isSoftware(adapter);
}

function softwareNote({ mode, adapter }: GpuDevice): string {
  if (adapter === undefined) return `gpu.js's mode ${mode} runs on the CPU: nothing is resident on a device`;
  return `${adapter} computes on the CPU`;
}
