DROP INDEX idx_analytics_age;
