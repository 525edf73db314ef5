const pixels = 28 * 28;

/** The layers of a seed model, as tfjs (given) has them. */
export function layersOf({ layers }, model) {
  if (model === 'mlp') {
    return [
      layers.dense({ units: 128, activation: 'relu', inputShape: [pixels] }),
      layers.dense({ units: 128, activation: 'relu' }),
      layers.dense({ units: 10 }),
    ];
  }
  return [
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu', inputShape: [28, 28, 1] }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 64, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.dropout({ rate: 0.25 }),
    layers.flatten(),
    layers.dense({ units: 128, activation: 'relu' }),
    layers.dropout({ rate: 0.5 }),
    layers.dense({ units: 10 }),
  ];
}
