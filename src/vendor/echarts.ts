/** ECharts, as much of it as the charts of reports are made of. `npm run build` puts that part in the place of the imports. */
import { BarChart, CustomChart, LineChart } from 'echarts/charts';
import { GridComponent, LegendComponent, TitleComponent } from 'echarts/components';
import { use } from 'echarts/core';
import { SVGRenderer } from 'echarts/renderers';

use([BarChart, CustomChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

export { type EChartsCoreOption, init } from 'echarts/core';
