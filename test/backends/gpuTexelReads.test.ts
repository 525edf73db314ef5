import gpuJs from 'gpu.js';
import * as assert from 'uvu/assert';
import { withFastReads } from '../../src/backends/gpu/texelReads.js';
import { suite } from '../support/suite.js';

const parameters = '(sampler2D tex, ivec2 texSize, ivec3 texDim, int z, int y, int x)';

suite('backends/gpu: reads of texels', (test) => {
  test("take gpu.js's place in a shader of WebGL 2", () => {
    const { WebGL2Kernel } = gpuJs as unknown as { WebGL2Kernel: { readonly fragmentShader: string } };
    const before = WebGL2Kernel.fragmentShader.replace('__HEADER__;', '#version 300 es');
    const after = withFastReads(before);
    for (const name of ['vec4 getImage2D', 'float getMemoryOptimized32']) {
      const functionOf = (shader: string) => {
        const start = shader.indexOf(`${name}${parameters} {`);
        assert.ok(start >= 0, name);
        return shader.slice(start, shader.indexOf('\n}', start));
      };
      assert.match(functionOf(before), /integerMod[\s\S]*texture\(/);
      assert.match(functionOf(after), /texelFetch\(/);
      assert.not.match(functionOf(after), /integerMod|texture\(/);
    }
    const others = (shader: string) => shader.split('\n').filter((line) => line.includes('(sampler2D tex'));
    assert.equal(others(after), others(before));
  });

  test('leave what they do not know', () => {
    const one = `vec4 getImage2D${parameters} {\n  return vec4(0);\n}\n`;
    assert.is(withFastReads(one), one);
    const another = '#version 300 es\nvoid main() {\n}\n';
    assert.is(withFastReads(another), another);
  });
});
