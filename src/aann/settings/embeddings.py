"""Stage embeddings: which neighbors are embedded, and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from aann.settings.types import LayerName, Section, Seed, SparsityWithNeighbors, require_distinct


class TSNESettings(Section):
    """t-SNE (Figures 4 and 10); scikit-learn's names."""

    perplexity: float = Field(30.0, gt=1, le=1000, description="About how many neighbors of a point count.")
    max_iter: int = Field(1000, ge=250, description="Steps of the optimization.")


class IsomapSettings(Section):
    """Isomap (Figure 11); scikit-learn's names."""

    n_neighbors: int = Field(60, ge=2, description="Neighbors that a point is joined to.")


class LLESettings(Section):
    """Locally linear embedding (Figure 11); scikit-learn's names."""

    n_neighbors: int = Field(60, ge=2, description="Neighbors whose weighted mean a point is.")
    reg: float = Field(0.001, gt=0, le=1, description="Regularization of these means.")


class EmbeddingsSettings(Section):
    """First neighbors of the first seed's network, embedded by the flattened weights of the layer that they change."""

    sparsity: SparsityWithNeighbors = Field(90.0, description="The network's; one of `neighbors`.")
    layers: list[LayerName] = Field(min_length=1, description="Layers, each embedded by itself.")
    count: int = Field(1500, ge=10, description="Neighbors that are embedded.")
    sources: int = Field(
        20,
        ge=1,
        description="In the sampling `sources`, only so many weights move; in `uniform`, any neighbor may be drawn.",
    )
    drawn: Literal["uniform", "sources"] = Field("sources", description="The sampling that figures show.")
    metric: Literal["euclidean", "manhattan", "hamming"] = Field(
        "euclidean", description="Distance between weights for t-SNE, Isomap and the silhouette; LLE is Euclidean."
    )
    seeds: list[Seed] = Field(
        default=[0, 1, 2], min_length=1, description="Draws of neighbors for the statistics; figures show the first."
    )
    clusters: list[Annotated[int, Field(ge=2)]] = Field(
        default=[2, 5, 10, 20, 40],
        min_length=1,
        description="Numbers of clusters to try; the one with the best silhouette counts.",
    )
    tsne: TSNESettings = Field(default=TSNESettings(), description="t-SNE.")
    isomap: IsomapSettings = Field(default=IsomapSettings(), description="Isomap.")
    lle: LLESettings = Field(default=LLESettings(), description="LLE.")

    @model_validator(mode="after")
    def _distinct(self) -> EmbeddingsSettings:
        require_distinct(self.layers, "layers")
        require_distinct(self.seeds, "seeds")
        return self

    @model_validator(mode="after")
    def _fewer_than_the_neighbors(self) -> EmbeddingsSettings:
        for name, number in (
            ("clusters", max(self.clusters)),
            ("tsne.perplexity", self.tsne.perplexity),
            ("isomap.n_neighbors", self.isomap.n_neighbors),
            ("lle.n_neighbors", self.lle.n_neighbors),
        ):
            if number >= self.count:
                raise ValueError(f"{name}: {number:g} is not below count, which is {self.count}")
        return self
