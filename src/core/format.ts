/** Numbers as people read them. */

/** 0.97912 → `97.91%` */
export const percent = (share: number): string => `${(share * 100).toFixed(2)}%`;

export const decimals = (value: number): string => value.toFixed(4);

/** 12345.6 → `12,346` */
export const grouped = (value: number): string => value.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ',');

/** 1.26 → `1.3 s` */
export const seconds = (value: number): string => `${value.toFixed(1)} s`;

/** 3725 → `1:02:05`, 65 → `1:05` */
export function clock(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const padded = (value: number) => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${padded(minutes)}:${padded(rest)}` : `${minutes}:${padded(rest)}`;
}

/** 9912422 → `9.9 MB` */
export const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;

/** How `console.log` of Node shows an object; elsewhere the symbol means nothing. No module of Node is needed for it. */
export const inspect: unique symbol = Symbol.for('nodejs.util.inspect.custom') as never;
