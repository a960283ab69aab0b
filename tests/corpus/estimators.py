"""scikit-learn's estimators on arrays and texts."""

import numpy as np
from sklearn import (
    calibration,
    cluster,
    decomposition,
    discriminant_analysis,
    dummy,
    ensemble,
    feature_selection,
    gaussian_process,
    isotonic,
    kernel_ridge,
    linear_model,
    mixture,
    multiclass,
    multioutput,
    naive_bayes,
    neighbors,
    neural_network,
    preprocessing,
    semi_supervised,
    svm,
    tree,
)  # fmt: skip
from sklearn.compose import TransformedTargetRegressor
from sklearn.cross_decomposition import PLSRegression
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)  # fmt: skip
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union

from tests.corpus.case import case, of_estimator

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(90, 4))
LABELS = np.array(["ham", "spam", "eggs"])[np.digitize(X[:, 0] + X[:, 1], [-0.6, 0.6])]
BINARY = (X[:, 0] > 0).astype(int)
VALUES = X @ [1.0, -2.0, 0.5, 0.0] + 3
MANY = np.column_stack([VALUES, X[:, 0] * 2])
FLAGS = (X[:, :3] > 0).astype(int)
TEXTS = ["a good film", "bad bad film", "good fun", "a bore", "not bad", "a good bore"] * 6
MOODS = ["up", "down", "up", "down", "up", "down"] * 6

CLASSIFIERS = {
    "logistic": linear_model.LogisticRegression(),
    "sgd": linear_model.SGDClassifier(random_state=0),
    "ridge-classifier": linear_model.RidgeClassifier(),
    "svc": svm.SVC(),
    "svc-probability": calibration.CalibratedClassifierCV(svm.SVC(), ensemble=False, cv=3),
    "linear-svc": svm.LinearSVC(),
    "tree": tree.DecisionTreeClassifier(max_depth=4),
    "forest": ensemble.RandomForestClassifier(10, random_state=0),
    "extra-trees": ensemble.ExtraTreesClassifier(10, random_state=0),
    "gradient-boosting": ensemble.GradientBoostingClassifier(n_estimators=5),
    "histogram-boosting": ensemble.HistGradientBoostingClassifier(max_iter=5),
    "ada-boost": ensemble.AdaBoostClassifier(n_estimators=5),
    "bagging": ensemble.BaggingClassifier(n_estimators=3, random_state=0),
    "neighbours": neighbors.KNeighborsClassifier(),
    "centroid": neighbors.NearestCentroid(),
    "naive-bayes": naive_bayes.GaussianNB(),
    "mlp": neural_network.MLPClassifier((8,), max_iter=30, random_state=0),
    "lda": discriminant_analysis.LinearDiscriminantAnalysis(),
    "gaussian-process": gaussian_process.GaussianProcessClassifier(),
    "dummy": dummy.DummyClassifier(),
    "voting-soft": ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", linear_model.LogisticRegression())], voting="soft"
    ),
    "voting-hard": ensemble.VotingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", linear_model.LogisticRegression())]
    ),
    "stacking": ensemble.StackingClassifier(
        [("a", naive_bayes.GaussianNB()), ("b", tree.DecisionTreeClassifier(max_depth=2))]
    ),
    "one-vs-rest": multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    "one-vs-one": multiclass.OneVsOneClassifier(svm.LinearSVC()),
    "label-spreading": semi_supervised.LabelSpreading(),
    "scaled-grid": GridSearchCV(
        make_pipeline(preprocessing.StandardScaler(), svm.SVC()), {"svc__C": [1, 2]}, cv=2
    ),
    "random-search": RandomizedSearchCV(
        linear_model.LogisticRegression(), {"C": [0.1, 1, 10]}, n_iter=2, cv=2, random_state=0
    ),
    "rfe": feature_selection.RFE(linear_model.LogisticRegression(), n_features_to_select=2),
    "union": make_pipeline(
        make_union(decomposition.PCA(2), preprocessing.PolynomialFeatures(2)),
        linear_model.LogisticRegression(max_iter=500),
    ),
}
for _name, _model in CLASSIFIERS.items():
    case("classifiers", "--trust", name=_name)(
        lambda folder, model=_model: of_estimator(folder, model, X, LABELS)
    )

REGRESSORS = {
    "linear": (linear_model.LinearRegression(), VALUES),
    "linear-many": (linear_model.LinearRegression(), MANY),
    "poisson": (linear_model.PoissonRegressor(), np.exp(VALUES / 5)),
    "svr": (svm.SVR(), VALUES),
    "kernel-ridge": (kernel_ridge.KernelRidge(), VALUES),
    "forest-many": (ensemble.RandomForestRegressor(5, random_state=0), MANY),
    "multi-output": (multioutput.MultiOutputRegressor(svm.SVR()), MANY),
    "chain": (multioutput.RegressorChain(linear_model.Ridge()), MANY),
    "pls": (PLSRegression(2), MANY),
    "gaussian-process-regressor": (gaussian_process.GaussianProcessRegressor(), VALUES),
    "target-log": (
        TransformedTargetRegressor(linear_model.Ridge(), func=np.log1p, inverse_func=np.expm1),
        np.exp(VALUES / 5),
    ),
    "mlp-regressor": (
        neural_network.MLPRegressor(hidden_layer_sizes=(8,), max_iter=30, random_state=0),
        MANY,
    ),
}
for _name, (_model, _target) in REGRESSORS.items():
    case("regressors", "--trust", name=_name)(
        lambda folder, model=_model, target=_target: of_estimator(folder, model, X, target)
    )

UNLABELLED = {
    "k-means": cluster.KMeans(3, n_init=2, random_state=0),
    "mini-batch-k-means": cluster.MiniBatchKMeans(3, n_init=2, random_state=0),
    "gaussian-mixture": mixture.GaussianMixture(2, random_state=0),
    "birch": cluster.Birch(),
    "mean-shift": cluster.MeanShift(),
    "isolation-forest": ensemble.IsolationForest(n_estimators=10, random_state=0),
    "one-class-svm": svm.OneClassSVM(),
    "outlier-factor": neighbors.LocalOutlierFactor(novelty=True),
    "pca": decomposition.PCA(2),
    "quantiles": preprocessing.QuantileTransformer(n_quantiles=10),
}
for _name, _model in UNLABELLED.items():
    case("clusters and outliers", "--trust", name=_name)(
        lambda folder, model=_model: of_estimator(folder, model, X)
    )


@case("clusters and outliers", "--trust", refused="fit_predict")
def dbscan(folder):
    return of_estimator_without_answers(folder, cluster.DBSCAN().fit(X))


def of_estimator_without_answers(folder, model):
    from tests.corpus.case import Made, save

    return Made([save(folder, model)], {}, [])


MULTILABEL = {
    "multilabel-ovr": multiclass.OneVsRestClassifier(linear_model.LogisticRegression()),
    "multilabel-mlp": neural_network.MLPClassifier((8,), max_iter=30, random_state=0),
    "multilabel-forest": ensemble.RandomForestClassifier(5, random_state=0),
    "multilabel-output": multioutput.MultiOutputClassifier(linear_model.LogisticRegression()),
    "multilabel-chain": multioutput.ClassifierChain(linear_model.LogisticRegression()),
}
for _name, _model in MULTILABEL.items():
    case("multi-output", "--trust", name=_name)(
        lambda folder, model=_model: of_estimator(folder, model, X, FLAGS)
    )


@case("multi-output", "--trust")
def two_questions(folder):
    target = np.column_stack([LABELS, np.where(BINARY, "yes", "no")])
    return of_estimator(folder, ensemble.RandomForestClassifier(5, random_state=0), X, target)


@case("thresholds", "--trust")
def fixed_threshold(folder):
    model = FixedThresholdClassifier(linear_model.LogisticRegression(), threshold=0.9)
    return of_estimator(folder, model, X, BINARY)


@case("thresholds", "--trust")
def tuned_threshold(folder):
    model = TunedThresholdClassifierCV(linear_model.LogisticRegression(), cv=2)
    return of_estimator(folder, model, X, BINARY)


VECTORIZERS = {
    "tfidf": TfidfVectorizer(),
    "counts": CountVectorizer(ngram_range=(1, 2)),
    "hashes": HashingVectorizer(n_features=64),
    "two-views": FeatureUnion([("w", TfidfVectorizer()), ("c", TfidfVectorizer(analyzer="char"))]),
}
for _name, _model in VECTORIZERS.items():
    case("text", "--trust", name=f"text-{_name}")(
        lambda folder, model=_model: of_estimator(
            folder, make_pipeline(model, linear_model.LogisticRegression()), TEXTS, MOODS
        )
    )


@case("text", "--trust")
def text_grid(folder):
    pipeline = make_pipeline(TfidfVectorizer(), linear_model.LogisticRegression())
    model = GridSearchCV(pipeline, {"logisticregression__C": [1, 10]}, cv=2)
    return of_estimator(folder, model, TEXTS, MOODS)


@case("ways of saving")
def saved_by_skops(folder):
    return of_estimator(folder, linear_model.LogisticRegression(), X, LABELS, how="skops")


@case("ways of saving", "--trust")
def saved_by_skops_with_trees(folder):
    return of_estimator(folder, ensemble.RandomForestClassifier(3), X, LABELS, how="skops")


for _how in ("pkl", "pickle", "sav", "joblib.gz"):
    case("ways of saving", "--trust", name=f"saved-as-{_how.replace('.', '-')}")(
        lambda folder, how=_how: of_estimator(folder, naive_bayes.GaussianNB(), X, LABELS, how=how)
    )


@case("ways of saving", "--trust", refused="save what is under 'model' alone")
def dict_in_a_pickle(folder):
    return of_estimator_without_answers(folder, {"model": svm.SVC().fit(X, BINARY), "auc": 0.9})


@case("ways of saving", refused="allow_pickle")
def pickle_without_trust(folder):
    return of_estimator_without_answers(folder, svm.SVC().fit(X, BINARY))


@case("regressors", "--trust")
def isotonic_regression(folder):
    return of_estimator(folder, isotonic.IsotonicRegression(), X[:, :1], VALUES, ask=X[:4, :1])
