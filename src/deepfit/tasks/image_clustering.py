"""Groups of alike pictures, found without labels.

Data: a folder or `.zip` of pictures, optionally below `train/`, `valid/` and `test/`; a list of paths, a
uint8 array [rows, height, width] or [rows, height, width, channels], or Pillow pictures. Pictures of many
sizes are scaled and cut to one. Optional: known groups, named with `--target`: a column of `metadata.csv`,
the folders that pictures lie in, or the second of a pair (pictures, labels). They are never an input and
never seen in training: they say how well the clusters agree with them. The task is never inferred: say
`--task image-clustering`.

A convolutional autoencoder learns codes: pictures are told again from the code of a randomly moved, zoomed
and turned view, and codes of views lie near those of views of the picture's nearest neighbours, which are
found among the pixels of small pictures of at most 16 x 16. k-means finds clusters among the codes, and the
network is refined so that pictures belong to them more surely (DEC, arXiv 1511.06335; IDEC, IJCAI 2017; with
convolutions DCEC, ICONIP 2017). How many: `--clusters N`, or chosen by the silhouette among the codes (the
least number within 0.02 of the best).

Answers: `prediction` (the number of a cluster, the largest found in training being 0), `confidence` (how much
the picture belongs to it) and `probability_K` for each cluster. The `silhouette` is measured among the pixels
of small pictures of at most 16 x 16, the same space for every method.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from pydantic import Field, model_validator

from deepfit.answers import clusters as answers_clusters
from deepfit.baselines import clusters as baselines_clusters
from deepfit.contract import Answers, Baseline, Batch, Facts, Phase, Run, Splits
from deepfit.data import cluster_pictures
from deepfit.data.cluster_options import ClusterOptions

if TYPE_CHECKING:
    from torch import nn

    from deepfit.data.images import ImageRows

STEPS = 600
"""Steps of pretraining where no number of epochs is given; more made clusters of clothes no better."""


class Options(ClusterOptions):
    """How groups of pictures are found."""

    target: str | None = Field(
        None,
        description="column of known groups in a metadata table, or any name for the folders: for scoring, "
        "never an input nor seen in training",
    )
    skip_broken: bool = Field(
        False, description="leave out pictures that cannot be read, and count them, instead of stopping"
    )
    image_size: int = Field(
        0,
        ge=0,
        le=1024,
        description="side that pictures are brought to, in pixels; 0 = as they are, at most 64",
    )
    network: Literal["lenet", "resnet9"] = Field(
        "lenet", description="the encoder; resnet9 takes several times as long"
    )
    epochs: int = Field(
        0,
        ge=0,
        le=1_000_000,
        description=f"passes over the training rows in pretraining; 0 = as many as {STEPS} steps take; a "
        "round of refinement is a tenth of it",
    )
    views: float = Field(
        0.0,
        ge=0,
        le=1,
        description="share of pictures that are drawn to another view of themselves instead of to a like "
        "picture; with --neighbours 0 all are, unless it is 0",
    )
    shift: float = Field(0.05, ge=0, le=0.5, description="largest move of a view, as a share of the side")
    zoom: float = Field(0.1, ge=0, le=1, description="largest change of height and width of a view")
    turn: float = Field(5.0, ge=0, le=180, description="largest turn of a view, in degrees")
    flip: Literal["auto", "on", "off"] = Field(
        "auto",
        description="views are mirrored at random; auto: where mirrored pictures stay among their like",
    )
    colour: float = Field(
        0.1, ge=0, le=1, description="largest change of brightness, contrast and saturation of a view"
    )

    @model_validator(mode="after")
    def _views_differ(self) -> Options:
        if self.views and not (self.shift or self.zoom or self.turn or self.colour or self.flip == "on"):
            raise ValueError(
                "--views has no effect where views do not differ from their picture; set --shift, --zoom, "
                "--turn or --colour above 0, or --flip on"
            )
        return self


class ImageClustering:
    """See the file's docstring."""

    Options: ClassVar = Options
    main_metric: str = "silhouette"
    classes: ClassVar[bool] = False
    supervised: ClassVar[bool] = False
    sections: ClassVar[tuple[str, ...]] = (
        "curves",
        "cluster_choice",
        "cluster_map",
        "cluster_picture_map",
        "cluster_means",
        "cluster_pictures",
    )

    def __init__(self, options: Options) -> None:
        self.options = options
        if options.target is not None:
            self.main_metric = "nmi"

    @classmethod
    def suits(cls, source: Any, target: str | None) -> str | None:
        """Never: pictures may be for anything, so this task is asked for by its name."""
        return None

    def read(self, source: Any, facts: Facts | None = None) -> ImageRows:
        """Every picture decoded and checked; known groups where `target` names them."""
        return cluster_pictures.read_cluster_pictures(
            source, target=self.options.target, skip_broken=self.options.skip_broken, facts=facts
        )

    def learn(self, train: ImageRows) -> Facts:
        """Size, channels, mean and deviation a channel, and whether views are mirrored.

        DataError where there are no groups to find.
        """
        facts = cluster_pictures.learn_cluster_pictures(train, self.options.image_size)
        images = self.encode(train, facts)["images"]
        cluster_pictures.check_pictures(train, images, self.options.clusters)
        if self.options.flip != "auto":
            return {**facts, "flip": self.options.flip == "on", "flip_reason": "as the option says"}
        mirror = cluster_pictures.judged_mirror(images, seed=self.options.seed)
        return {**facts, "flip": mirror.harmless, "flip_reason": mirror.why}

    def encode(self, rows: ImageRows, facts: Facts) -> Batch:
        """`images` uint8 [rows, height, width, channels]; never the target."""
        height, width = facts["size"]
        return {"images": rows.pixels((height, width), facts["channels"])}

    def build(self, facts: Facts) -> nn.Module:
        """A convolutional autoencoder with room for the clusters."""
        from deepfit.nn.nets.lenet import LeNet
        from deepfit.nn.nets.resnet9 import ResNet9
        from deepfit.nn.picture_autoencoder import PictureAutoencoder

        options, size = self.options, (facts["size"][0], facts["size"][1])
        bend = "relu" if options.activation == "auto" else options.activation
        how = {"num_classes": options.code, "in_channels": facts["channels"], "activation": bend}
        return PictureAutoencoder(
            LeNet(size=size, **how) if options.network == "lenet" else ResNet9(**how),
            size=size,
            channels=facts["channels"],
            code=options.code,
            slots=options.slots,
        )

    def plan(self, net: Any, data: Splits[Batch], facts: Facts, run: Run) -> Iterator[Phase]:
        """Pretraining, k-means among the codes, refinement."""
        from deepfit.plans import clusters, picture_clusters

        yield from clusters.plan(
            net,
            data,
            self.options,
            run,
            codes=picture_clusters.codes(net, facts, self.options),
            errors=picture_clusters.errors(net, facts),
            points=cluster_pictures.points(data.train["images"]),
            views=self.options.views,
            steps=STEPS,
            rows_at_once=picture_clusters.rows_at_once(facts),
        )

    def outputs(self, net: Any, batch: Batch, facts: Facts) -> Batch:
        """`belongs` float32 [rows, clusters], rows summing to 1."""
        from deepfit.plans import clusters, picture_clusters

        codes = picture_clusters.codes(net, facts, self.options)
        return clusters.outputs(net, batch, codes, rows_at_once=picture_clusters.rows_at_once(facts))

    def codes(self, net: Any, batch: Batch, facts: Facts) -> np.ndarray:
        """The codes, float32 [rows, code]."""
        from deepfit.plans import picture_clusters

        return picture_clusters.foreseen(net, net, batch, facts)

    def embed(self, net: Any, batch: Batch, facts: Facts) -> np.ndarray:
        """What the last layer makes the code of, float32 [rows, width]."""
        from deepfit.plans import picture_clusters

        return picture_clusters.foreseen(net, net.encoder.features, batch, facts)

    def calibrate(self, outputs: Batch, batch: Batch, facts: Facts) -> Facts:
        """Unchanged: nothing says how often a cluster is right."""
        return facts

    def decode(self, outputs: Batch, facts: Facts) -> Answers:
        """The likeliest cluster of each picture, and how much it belongs to each."""
        return answers_clusters.of_belonging(outputs["belongs"])

    def appraise(
        self, net: Any, answers: Answers, rows: ImageRows, facts: Facts, *, train: ImageRows | None = None
    ) -> Answers:
        """Each picture's silhouette among small pixels, the same space for every method."""
        space = cluster_pictures.points(self.encode(rows, facts)["images"])
        return answers_clusters.appraised(answers, space, rows.target())

    def metrics(self, answers: Answers, rows: ImageRows) -> Mapping[str, float]:
        """Mean silhouette; with a target NMI, ARI and accuracy by the best matching."""
        return answers_clusters.score(answers)

    def baselines(self, data: Splits[ImageRows]) -> Iterator[Baseline]:
        """k-means, k-means on principal components, Gaussian mixture: on small pixels."""
        facts = cluster_pictures.learn_cluster_pictures(data.train, self.options.image_size)
        train, test = (
            cluster_pictures.points(self.encode(part, facts)["images"])
            for part in (data.train, data.held_out)
        )
        found = baselines_clusters.for_points(train, test, self.options.clusters, seed=self.options.seed)
        yield from answers_clusters.of_baselines(found)

    @classmethod
    def tiny(cls, seed: int) -> tuple[ImageClustering, Splits[ImageRows], Mapping[str, float]]:
        """Bars that lie or stand and rings, somewhere in grey noise: 300 pictures of 12 x 12 pixels."""
        rng = np.random.default_rng(seed)
        kinds = rng.permutation(np.repeat(["lying", "standing", "ring"], 100))
        y, x = np.mgrid[:12, :12]
        pictures = rng.integers(0, 60, (300, 12, 12), dtype=np.uint8)
        for picture, kind in zip(pictures, kinds, strict=True):
            across, down = rng.integers(4, 8, 2)
            shape = {
                "lying": abs(y - down) < 1.5,
                "standing": abs(x - across) < 1.5,
                "ring": abs(np.hypot(x - across, y - down) - 3) < 0.8,
            }[str(kind)]
            picture[shape] += np.uint8(rng.integers(120, 190))
        options = {"target": "kind", "clusters": 3, "epochs": 4, "batch_size": 60, "seed": seed, "threads": 1}
        task = cls(Options.model_validate(options))
        rows = task.read((pictures, kinds))
        parts = (slice(0, 180), slice(180, 220), slice(220, 300))
        return task, Splits(*(rows.take(np.arange(300)[part]) for part in parts)), {"nmi": 0.8}
