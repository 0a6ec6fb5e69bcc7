import { render } from "preact";
import "uplot/dist/uPlot.min.css";
import "./styles/base.css";
import "./styles/words.css";
import "./styles/hero.css";
import "./styles/chart.css";
import "./styles/strands.css";
import "./styles/lists.css";
import { App } from "./app.tsx";

render(<App />, document.getElementById("app")!);
