"""`jupyter nbconvert --config docs/slides.py notebooks/*.ipynb` writes static slides into slides/.

They take reveal.js, require.js and jQuery from slides/node_modules (see lecturing.md) and nothing from any other host, so
that they work where there is no network and where it hangs.
"""

import sys
from pathlib import Path

sys.path.append("docs")
from last_row import LastRow

c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "slides"
c.FilesWriter.build_directory = "slides"
c.TemplateExporter.extra_template_basedirs = ["docs"]
c.TemplateExporter.extra_template_paths = ["notebooks"]  # for rise.css
c.TemplateExporter.template_name = "lecture"
c.SlidesExporter.preprocessors = [LastRow]
c.SlidesExporter.reveal_width, c.SlidesExporter.reveal_height = "1280", "720"
c.SlidesExporter.reveal_theme = "white"
if not Path("slides/node_modules/reveal.js").is_dir():
    raise SystemExit(
        "The slides need reveal.js in slides/node_modules: run lecturing.md's `npm install` line first."
    )
c.SlidesExporter.reveal_url_prefix = "node_modules/reveal.js"
c.SlidesExporter.require_js_url = "node_modules/requirejs/require.js"
c.SlidesExporter.jquery_url = "node_modules/jquery/dist/jquery.min.js"
