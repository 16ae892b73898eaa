"""`jupyter nbconvert --config docs/slides.py notebooks/*.ipynb` writes static slides into slides/.

They take reveal.js, require.js and jQuery from slides/node_modules if they are there (see lecturing.md), which works
without internet, else from a CDN.
"""

from pathlib import Path

c = get_config()  # noqa: F821  # nbconvert's own, in every config file
c.NbConvertApp.export_format = "slides"
c.FilesWriter.build_directory = "slides"
c.TemplateExporter.extra_template_basedirs = ["docs"]
c.TemplateExporter.extra_template_paths = ["notebooks"]  # for rise.css
c.TemplateExporter.template_name = "lecture"
c.SlidesExporter.reveal_width, c.SlidesExporter.reveal_height = "1280", "720"
c.SlidesExporter.reveal_theme = "white"
if Path("slides/node_modules").is_dir():
    c.SlidesExporter.reveal_url_prefix = "node_modules/reveal.js"
    c.SlidesExporter.require_js_url = "node_modules/requirejs/require.js"
    c.SlidesExporter.jquery_url = "node_modules/jquery/dist/jquery.min.js"
else:
    c.SlidesExporter.reveal_url_prefix = "https://unpkg.com/reveal.js@4.6"
