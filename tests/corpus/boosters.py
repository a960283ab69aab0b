"""XGBoost, LightGBM and CatBoost: in their scikit-learn classes, and in files of their own."""

import catboost
import lightgbm
import numpy as np
import xgboost
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from tests.corpus.case import Made, answers_of, case, of_estimator, rows_of, save
from tests.corpus.tables import AMOUNT, ANSWER, CATEGORIES, CITIES, GAPS, NUMBERS, PEOPLE, mixed

YES = (ANSWER == "yes").astype(int)
MANY = np.unique(CITIES, return_inverse=True)[1]
WHOLE = GAPS.assign(city=GAPS["city"].astype("category"))
MATRIX = PEOPLE[NUMBERS].to_numpy(float)


def xgb(**more):
    return xgboost.XGBClassifier(n_estimators=5, max_depth=3, n_jobs=1, **more)


def lgb(**more):
    return lightgbm.LGBMClassifier(
        n_estimators=5, min_child_samples=2, n_jobs=1, verbose=-1, **more
    )


def cat(kind=catboost.CatBoostClassifier, **more):
    return kind(iterations=5, verbose=0, thread_count=1, allow_writing_files=False, **more)


IN_CLASSES = {
    "xgb-numbers": (xgb(), PEOPLE[NUMBERS], YES),
    "xgb-categories": (xgb(enable_categorical=True), CATEGORIES, YES),
    "xgb-categories-and-gaps": (xgb(enable_categorical=True), WHOLE, YES),
    "xgb-many-classes": (xgb(), PEOPLE[NUMBERS], MANY),
    "xgb-pipeline": (make_pipeline(mixed(), xgb()), PEOPLE, YES),
    "xgb-grid": (GridSearchCV(xgb(), {"max_depth": [2, 3]}, cv=2), PEOPLE[NUMBERS], YES),
    "xgb-regressor": (xgboost.XGBRegressor(n_estimators=5, n_jobs=1), GAPS[NUMBERS], AMOUNT),
    "lgb-numbers": (lgb(), PEOPLE[NUMBERS], ANSWER),
    "lgb-categories": (lgb(), CATEGORIES, ANSWER),
    "lgb-gaps": (lgb(), WHOLE, ANSWER),
    "lgb-pipeline": (make_pipeline(mixed(gaps=True), lgb()), GAPS, ANSWER),
    "lgb-regressor": (
        lightgbm.LGBMRegressor(n_estimators=5, n_jobs=1, verbose=-1), PEOPLE[NUMBERS], AMOUNT,
    ),
    "cat-numbers": (cat(), PEOPLE[NUMBERS], ANSWER),
    "cat-categories": (cat(cat_features=["city"]), PEOPLE[["age", "city"]], ANSWER),
    "cat-regressor": (cat(catboost.CatBoostRegressor), GAPS[NUMBERS], AMOUNT),
    "cat-pipeline": (make_pipeline(mixed(), cat()), PEOPLE, ANSWER),
}  # fmt: skip
for _name, (_model, _table, _target) in IN_CLASSES.items():
    case("boosters", "--trust", name=_name)(
        lambda folder, model=_model, table=_table, target=_target: of_estimator(
            folder, model, table, target
        )
    )


def own_file(folder, model, table, target, file, write):
    """The file of the library itself, and the answers of the class that wrote it."""
    model.fit(table, target)
    write(model, str(folder / file))
    return Made([folder / file], rows_of(table[:4]), answers_of(model, table[:4]))


def xgb_save(model, file):
    model.save_model(file)


def lgb_save(model, file):
    model.booster_.save_model(file)


@case("boosters", "--trust", refused="save it in the library's own format")
def booster_in_a_pickle(folder):
    booster = xgb().fit(PEOPLE[NUMBERS], YES).get_booster()
    return Made([save(folder, booster)], {}, [])


OWN = {
    "xgb-json": (xgb(enable_categorical=True), WHOLE, YES, "m.json", xgb_save),
    "xgb-ubj": (xgb(), PEOPLE[NUMBERS], MANY, "m.ubj", xgb_save),
    "xgb-matrix": (xgboost.XGBRegressor(n_estimators=4), MATRIX, AMOUNT, "m.ubj", xgb_save),
    "lgb-txt": (lgb(), WHOLE, YES, "m.txt", lgb_save),
    "lgb-many": (lgb(), MATRIX, MANY, "m.txt", lgb_save),
    "lgb-value": (
        lightgbm.LGBMRegressor(n_estimators=4, verbose=-1),
        PEOPLE[NUMBERS], AMOUNT, "m.txt", lgb_save,
    ),
    "cat-cbm": (cat(cat_features=["city"]), PEOPLE[["age", "city"]], ANSWER, "m.cbm", xgb_save),
    "cat-value": (cat(catboost.CatBoostRegressor), MATRIX, AMOUNT, "m.cbm", xgb_save),
}  # fmt: skip
for _name, _made in OWN.items():
    case("boosters' own files", name=_name)(lambda folder, made=_made: own_file(folder, *made))
