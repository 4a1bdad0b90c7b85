"""Plots by gnuplot: each has its data and its script beside it, so that it can be drawn again, and differently."""

import os
import shutil
import subprocess

FROM_ZERO = "set yrange [0:*]\n"


class Panel:
    """One diagram: `lines` are points (x, y) by the name of their line; `axes` is more of gnuplot's about the axes."""

    def __init__(self, title, x, y, lines, axes=FROM_ZERO):
        self.title, self.x, self.y, self.lines, self.axes = title, x, y, lines, axes

    def data(self):
        return "\n\n".join(f'"{name}"\n' + "".join(f"{x:.10g} {y:.6g}\n" for x, y in sorted(points))
                           for name, points in self.lines.items())

    def script(self, data_file):
        return (f"set title '{self.title}'\nset xlabel '{self.x}'\nset ylabel '{self.y}'\nset grid\nset xrange [0:*]\n"
                f"{self.axes}plot for [i=0:{len(self.lines) - 1}] '{data_file}' index i using 1:2 with linespoints "
                "title columnheader(1)\n")


def draw(place, panels, columns=1, size=(1100, 600)):
    """Write `place`.gp, its data, and, where there is a gnuplot, `place`.png. What kept it from drawing; "" when nothing did."""
    folder, name = os.path.split(os.path.abspath(place))
    rows = -(-len(panels) // columns)
    script = f"set terminal pngcairo noenhanced size {size[0]},{size[1]}\nset output '{name}.png'\nset key outside right center\n"
    if len(panels) > 1:
        script += f"set multiplot layout {rows},{columns}\n"
    for index, panel in enumerate(panels):
        data_file = f"{name}.dat" if len(panels) == 1 else f"{name}.{index}.dat"
        with open(os.path.join(folder, data_file), "w", encoding="utf-8") as file:
            file.write(panel.data())
        script += "unset logscale\nunset arrow\n" * (len(panels) > 1) + panel.script(data_file)
    with open(place + ".gp", "w", encoding="utf-8") as file:
        file.write(script + "unset multiplot\n" * (len(panels) > 1))
    found = shutil.which("gnuplot")
    if not found:
        return f"no gnuplot here (Debian package gnuplot-nox): {folder} has data and scripts, no PNG"
    done = subprocess.run([found, name + ".gp"], cwd=folder, capture_output=True, text=True)
    return f"gnuplot {name}.gp: {done.stderr.strip()}" if done.returncode else ""
