/** Servers for tests: those that `.ci/run` has started. */
export const servers = [
  { name: 'Redis', url: process.env.QUERN_TEST_REDIS, variable: 'QUERN_TEST_REDIS' },
  { name: 'PostgreSQL', url: process.env.QUERN_TEST_POSTGRES, variable: 'QUERN_TEST_POSTGRES' },
] as const;

export const absent = (variable: string) => `${variable} names no server: .ci/run starts one`;
