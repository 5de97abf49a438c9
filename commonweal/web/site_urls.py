"""Addresses of the pages about the site itself."""

from django.urls import path

from commonweal.web import jobs, views

app_name = "web"
urlpatterns = [
    path("", views.home, name="home"),
    path("how-it-works/", views.how, name="how"),
    path("accessibility/", views.accessibility, name="accessibility"),
    path("your-data/", views.privacy, name="privacy"),
    path("desk/", views.desk, name="desk"),
    path("desk/jobs/", jobs.page, name="jobs"),
    path("desk/jobs/<int:number>/retry/", jobs.retry, name="retry_job"),
    path("api/", views.api_description, name="api"),
    path("api/try/", views.try_api, name="try_api"),
    path("health/", views.health, name="health"),
    path("robots.txt", views.robots, name="robots"),
]
